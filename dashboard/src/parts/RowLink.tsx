import { createLink } from "@tanstack/react-router";
import type { AnchorHTMLAttributes, Ref } from "react";
import classes from "./VirtualTable.module.css";

interface Props extends AnchorHTMLAttributes<HTMLAnchorElement> {
  ref?: Ref<HTMLAnchorElement>;
}

/** The link of a table's row: all of the row leads where it leads. */
export const RowLink = createLink(({ className, children, ...rest }: Props) => (
  <a {...rest} className={`${classes.link} ${className ?? ""}`}>
    {children}
  </a>
));
