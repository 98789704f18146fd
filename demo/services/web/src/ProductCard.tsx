import type { Product } from "./api";

export function ProductCard({ product }: { product: Product }) {
  return (
    <li>
      <img src={`/cards/${product.theme}-320.png`} alt="" width={320} />
      <h2>{product.title}</h2>
      <p>{(product.priceCents / 100).toFixed(2)} €</p>
    </li>
  );
}
