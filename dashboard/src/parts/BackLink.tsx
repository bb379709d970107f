import { createLink } from "@tanstack/react-router";
import type { AnchorHTMLAttributes, Ref } from "react";
import { IconArrowLeft } from "./icons";
import classes from "./BackLink.module.css";

interface Props extends AnchorHTMLAttributes<HTMLAnchorElement> {
  ref?: Ref<HTMLAnchorElement>;
}

export const BackLink = createLink(({ children, ...rest }: Props) => (
  <a {...rest} className={classes.back}>
    <IconArrowLeft size={14} aria-hidden />
    {children}
  </a>
));
