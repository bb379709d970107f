import { SimpleGrid, Stack } from "@mantine/core";
import { Page } from "../../parts/Page";
import { PasswordForm } from "./PasswordForm";
import { ProfileForm } from "./ProfileForm";
import { Sessions } from "./Sessions";

export default function Me() {
  return (
    <Page title="Profile and sessions">
      <Stack gap="md">
        <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
          <ProfileForm />
          <PasswordForm />
        </SimpleGrid>
        <Sessions />
      </Stack>
    </Page>
  );
}
