import { formatCents } from "#shared";

/** One line for a product. */
export function labelOf(product) {
  return `${product.name}, ${formatCents(product.cents)}`;
}
