export interface Product {
  sku: string;
  title: string;
  theme: string;
  priceCents: number;
}

const apiUrl: string = import.meta.env.VITE_API_URL;

export async function fetchProducts(page: number): Promise<Product[]> {
  const response = await fetch(`${apiUrl}/products?page=${page}`);
  return response.json();
}
