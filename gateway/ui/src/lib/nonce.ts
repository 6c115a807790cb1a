/** The nonce of this response, which the gateway wrote into the page; undefined in development. */
export const nonce: string | undefined = (() => {
  const meta = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]');
  const value = meta?.nonce;
  return value === undefined || value === "" ? undefined : value;
})();
