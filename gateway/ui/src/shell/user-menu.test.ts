import { expect, it } from "vitest";
import { hueOf } from "./user-menu";

it("gives a person one colour, and people of the same initials another", () => {
  expect(hueOf("ada")).toBe(hueOf("ada"));
  expect(hueOf("ada")).not.toBe(hueOf("aino"));
  for (const id of ["", "ada", "6a0c4f9e-3c1d-4f57-9d0a-2b7b1c9e8f10", "é🦀"]) {
    expect([0, 1, 2, 3, 4, 5]).toContain(hueOf(id));
  }
});
