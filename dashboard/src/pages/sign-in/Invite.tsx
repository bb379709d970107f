import { Anchor, Button, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { asProblem } from "../../api/problem";
import { type InvitationSeen, sessionQuery, useAcceptInvitation, useInvitationSeen } from "../../api/session";
import { FormProblem } from "../../parts/FormProblem";
import { Waiting } from "../../shell/Waiting";
import { Door } from "./Door";
import { NewcomerForm } from "./NewcomerForm";
import { useFragment } from "./useFragment";

export function Invite() {
  const token = useFragment();
  const seen = useInvitationSeen(token);
  if (!token) return <Lost why="The invitation's link ends with # and a token: copy all of it." />;
  if (seen.isError) return <Lost why={asProblem(seen.error).message} />;
  if (!seen.data) return <Waiting />;
  return <Invited token={token} invitation={seen.data} />;
}

function Invited({ token, invitation }: { token: string; invitation: InvitationSeen }) {
  const accept = useAcceptInvitation(token);
  const navigate = useNavigate();
  const session = useQuery({ ...sessionQuery, retry: false });
  const done = () => void navigate({ to: "/", replace: true });
  const lead = `${invitation.invited_by} invites you as ${invitation.role}.`;
  if (session.data) return <Join lead={lead} invitation={invitation} accept={accept} done={done} />;
  if (invitation.known) {
    return (
      <Door title={`Join ${invitation.account.name}`} lead={lead}>
        <Text>
          {invitation.email} has a user here: sign in first, then open this link again.{" "}
          <Anchor component={Link} to="/sign-in">
            Sign in
          </Anchor>
        </Text>
      </Door>
    );
  }
  return (
    <Door title={`Join ${invitation.account.name}`} lead={lead}>
      <NewcomerForm email={invitation.email ?? ""} label="Join" send={accept.mutateAsync} done={done} />
    </Door>
  );
}

interface JoinProps {
  lead: string;
  invitation: InvitationSeen;
  accept: ReturnType<typeof useAcceptInvitation>;
  done: () => void;
}

function Join({ lead, invitation, accept, done }: JoinProps) {
  return (
    <Door title={`Join ${invitation.account.name}`} lead={lead}>
      <Stack>
        <FormProblem problem={accept.error ? asProblem(accept.error) : null} />
        <Button loading={accept.isPending} onClick={() => accept.mutate({}, { onSuccess: done })}>
          Join {invitation.account.name}
        </Button>
      </Stack>
    </Door>
  );
}

function Lost({ why }: { why: string }) {
  return (
    <Door title="This invitation does not work">
      <Text>{why}</Text>
      <Text mt="sm">Ask whoever invited you for a new link.</Text>
    </Door>
  );
}
