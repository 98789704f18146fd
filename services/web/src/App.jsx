import { useEffect, useState } from "react";

import { labelOf } from "./label.js";

export function App({ apiUrl }) {
  const [products, setProducts] = useState([]);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    fetch(`${apiUrl}/products`)
      .then((answer) => answer.json())
      .then(setProducts, () => setProblem("The products could not be loaded."));
  }, [apiUrl]);
  return (
    <main>
      <h1>Shop</h1>
      {problem && <p role="alert">{problem}</p>}
      <ul>
        {products.map((product) => (
          <li key={product.id}>{labelOf(product)}</li>
        ))}
      </ul>
    </main>
  );
}
