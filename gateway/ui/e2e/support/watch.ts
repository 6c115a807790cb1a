import { expect, type Page } from "@playwright/test";

/**
 * Notes each refusal by the content security policy and each error of the page's scripts. Call it
 * before the first navigation, and `expectClean` at the end.
 */
export async function watch(page: Page): Promise<{ expectClean: () => void }> {
  const found: string[] = [];
  page.on("pageerror", (error) => found.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (/content security policy/i.test(message.text())) found.push(message.text());
  });
  return {
    expectClean: () => expect(found, page.url()).toEqual([]),
  };
}
