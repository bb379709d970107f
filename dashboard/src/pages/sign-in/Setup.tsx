import { Anchor, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { setupQuery, useSetup } from "../../api/session";
import { Door } from "./Door";
import { NewcomerForm } from "./NewcomerForm";
import { useFragment } from "./useFragment";

export function Setup() {
  const token = useFragment();
  const setup = useSetup();
  const navigate = useNavigate();
  const { data } = useQuery(setupQuery);
  if (data && !data.needed) return <Done />;
  if (!token) return <NoToken />;
  return (
    <Door title="Set up Bellwire" lead="You become the first user: the operator, who may create accounts and do everything.">
      <NewcomerForm
        label="Start"
        send={(who) => setup.mutateAsync({ ...who, token })}
        done={() => void navigate({ to: "/", replace: true })}
      />
    </Door>
  );
}

function Done() {
  return (
    <Door title="Already set up">
      <Text>
        This server has its first user. <Anchor component={Link} to="/sign-in">Sign in</Anchor>, or ask a member of your account
        for an invitation.
      </Text>
    </Door>
  );
}

function NoToken() {
  return (
    <Door title="The link is not whole">
      <Text>
        The setup link ends with <code>#</code> and a token. Copy all of it from what <code>bellwire serve</code> printed.
      </Text>
    </Door>
  );
}
