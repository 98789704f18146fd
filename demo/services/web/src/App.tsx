import { useEffect, useState } from "react";
import { type Product, fetchProducts } from "./api";
import { ProductCard } from "./ProductCard";

export function App() {
  const [products, setProducts] = useState<Product[]>([]);
  const [page, setPage] = useState(1);

  useEffect(() => {
    void fetchProducts(page).then(setProducts);
  }, [page]);

  return (
    <>
      <h1>Products</h1>
      <ul>
        {products.map((product) => (
          <ProductCard key={product.sku} product={product} />
        ))}
      </ul>
      <button type="button" onClick={() => setPage(page + 1)}>
        Next page
      </button>
    </>
  );
}
