/** Format an amount in cents; the API writes it and the page shows it, so they cannot differ. */
export function formatCents(cents, currency = "EUR", locale = "en") {
  if (!Number.isInteger(cents)) throw new TypeError(`cents must be an integer, not ${cents}`);
  return new Intl.NumberFormat(locale, { style: "currency", currency }).format(cents / 100);
}
