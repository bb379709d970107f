import { useSignOut } from "../api/session";
import { tell } from "../parts/tell";
import { leave } from "../routes";

export function useLeave() {
  const signOut = useSignOut();
  return () => signOut.mutate(undefined, { onSuccess: () => void leave(), onError: (error) => void tell.trouble(error) });
}
