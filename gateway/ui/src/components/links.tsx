import { Anchor, Button, type AnchorProps, type ButtonProps } from "@mantine/core";
import { createLink } from "@tanstack/react-router";
import type { AnchorHTMLAttributes, Ref } from "react";

type Html = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, "color" | "style">;

/** A link in running text or a table, with a typed address. */
export const TextLink = createLink(
  ({ ref, ...props }: AnchorProps & Html & { ref?: Ref<HTMLAnchorElement> }) => (
    <Anchor ref={ref} {...props} />
  ),
);

/** A link that looks like a button. */
export const ButtonLink = createLink(
  ({ ref, ...props }: ButtonProps & Html & { ref?: Ref<HTMLAnchorElement> }) => (
    <Button component="a" ref={ref} {...props} />
  ),
);
