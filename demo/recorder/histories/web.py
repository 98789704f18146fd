"""The history of the web shop."""

from dataclasses import replace

from recorder.plan import (
    ANA,
    BOT,
    JONAS,
    PRIYA,
    BuildPlan,
    Commit,
    History,
    Lock,
    Replace,
    Write,
)

NGINX = "nginx:stable"

PUSH = BuildPlan()
PREVIEW = BuildPlan(trigger="pull_request", environment="preview")
NIGHTLY = BuildPlan(pipeline="nightly", trigger="schedule", after_minutes=640)
STAGING = BuildPlan(
    environment="staging",
    after_minutes=12,
    args=(("API_URL", "https://api.staging.shop.example.com"),),
)

PRICE = """const euro = new Intl.NumberFormat("en-IE", { style: "currency", currency: "EUR" });

export function Price({ cents }: { cents: number }) {
  return <p className="price">{euro.format(cents / 100)}</p>;
}
"""

STYLE = """body { font-family: system-ui; margin: 2rem auto; max-width: 70rem; }
ul { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); }
li { list-style: none; }
"""

SEARCH = """import { useState } from "react";

export function SearchBox({ onSearch }: { onSearch: (words: string) => void }) {
  const [words, setWords] = useState("");
  return (
    <form
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        onSearch(words);
      }}
    >
      <label>
        Search <input value={words} onChange={(event) => setWords(event.target.value)} />
      </label>
    </form>
  );
}
"""

SEARCH_API = """
export async function searchProducts(words: string): Promise<Product[]> {
  const response = await fetch(`${apiUrl}/search?q=${encodeURIComponent(words)}`);
  return response.json();
}
"""

COPY_MANIFESTS = "COPY package.json package-lock.json ./\nRUN --mount"
COPY_SOURCES = "COPY tsconfig.json vite.config.ts index.html ./\nCOPY src src\n"
COPY_ASSETS = "COPY scripts scripts\nCOPY assets.json ./\n"

BEGIN = (
    Commit("84 10:15", "Add the web shop", PRIYA, builds=(replace(PUSH, progress=True),)),
    Commit(
        "82 11:20",
        "Show prices in euro",
        JONAS,
        (
            Write("src/Price.tsx", PRICE),
            Replace(
                "src/ProductCard.tsx",
                "<p>{(product.priceCents / 100).toFixed(2)} €</p>",
                "<Price cents={product.price} />",
            ),
            Replace(
                "src/ProductCard.tsx",
                'from "./api";',
                'from "./api";\nimport { Price } from "./Price";',
            ),
        ),
        builds=(replace(PUSH, expect="failed"),),
    ),
    Commit(
        "82 11:41",
        "Use the field that the API has",
        JONAS,
        (Replace("src/ProductCard.tsx", "product.price}", "product.priceCents}"),),
        builds=(PUSH, STAGING),
    ),
    Commit(
        "79 09:05",
        "Lay products out in a grid",
        PRIYA,
        (
            Write("src/style.css", STYLE),
            Replace("src/main.tsx", 'from "./App";', 'from "./App";\nimport "./style.css";'),
        ),
    ),
    Commit(
        "75 14:30",
        "Bump react from 18.3.1 to 19.0.0",
        BOT,
        (
            Replace("package.json", '"react": "18.3.1"', '"react": "19.0.0"'),
            Replace("package.json", '"react-dom": "18.3.1"', '"react-dom": "19.0.0"'),
            Replace("package.json", '"@types/react": "18.3.18"', '"@types/react": "19.0.4"'),
            Replace("package.json", '"@types/react-dom": "18.3.5"', '"@types/react-dom": "19.0.2"'),
        ),
        branch="dependencies/react",
        change_id="31",
        builds=(replace(PREVIEW, expect="failed"),),
    ),
    Commit(
        "75 15:02",
        "Lock react 19.0.0",
        JONAS,
        (Lock(),),
        branch="dependencies/react",
        change_id="31",
        builds=(PREVIEW,),
    ),
    Commit("74 09:30", "Merge react 19", ANA, merge="dependencies/react", builds=(PUSH, NIGHTLY)),
)

ORDER = (
    Commit(
        "63 13:15",
        "Copy everything at once in the Dockerfile",
        JONAS,
        (
            Replace("Dockerfile", COPY_MANIFESTS, "COPY . .\nRUN --mount"),
            Replace("Dockerfile", COPY_ASSETS, ""),
            Replace("Dockerfile", COPY_SOURCES, ""),
        ),
    ),
    Commit(
        "61 10:40",
        "Say how many products a page shows",
        PRIYA,
        (
            Replace(
                "src/App.tsx",
                "<h1>Products</h1>",
                "<h1>Products</h1>\n      <p>{products.length} shown</p>",
            ),
        ),
    ),
    Commit(
        "56 15:25",
        "Go back to the page before",
        JONAS,
        (
            Replace(
                "src/App.tsx",
                '      <button type="button" onClick={() => setPage(page + 1)}>',
                '      <button type="button" disabled={page === 1} '
                "onClick={() => setPage(page - 1)}>\n"
                "        Previous page\n"
                "      </button>\n"
                '      <button type="button" onClick={() => setPage(page + 1)}>',
            ),
        ),
        builds=(PUSH, STAGING),
    ),
    Commit(
        "51 09:10",
        "Copy manifests first, sources last",
        PRIYA,
        (
            Replace("Dockerfile", "COPY . .\nRUN --mount", COPY_MANIFESTS),
            Replace("Dockerfile", "FROM deps AS assets\n", "FROM deps AS assets\n" + COPY_ASSETS),
            Replace("Dockerfile", "FROM deps AS build\n", "FROM deps AS build\n" + COPY_SOURCES),
        ),
        builds=(PUSH, replace(PUSH, after_minutes=31)),
    ),
    Commit(
        "46 16:05",
        "Load card images when they come into view",
        JONAS,
        (Replace("src/ProductCard.tsx", "width={320}", 'width={320} loading="lazy"'),),
        builds=(PUSH, replace(NIGHTLY, refreshed_base=NGINX)),
    ),
)

ASSETS = (
    Commit(
        "40 11:50",
        "Serve card images for large and dense screens",
        PRIYA,
        (
            Replace(
                "assets.json",
                '["oak", "linen", "steel"]',
                '["oak", "linen", "steel", "wool", "cork", "brass"]',
            ),
            Replace("assets.json", "[320, 640]", "[320, 640, 1280, 1920]"),
            Replace("assets.json", '"compressionLevel": 6', '"compressionLevel": 9'),
        ),
        builds=(replace(PUSH, progress=True),),
    ),
    Commit(
        "37 09:45",
        "Let the weave of cards follow their theme",
        PRIYA,
        (Replace("scripts/assets.js", "thread * 40", "thread * (32 + (seed[5] % 16))"),),
        builds=(PUSH,),
    ),
    Commit(
        "33 14:20",
        "Search products by words",
        JONAS,
        (
            Write("src/SearchBox.tsx", SEARCH),
            Replace(
                "src/api.ts",
                "  return response.json();\n}\n",
                "  return response.json();\n}\n" + SEARCH_API,
            ),
            Replace(
                "src/App.tsx",
                "{ type Product, fetchProducts }",
                "{ type Product, fetchProducts, searchProducts }",
            ),
            Replace(
                "src/App.tsx",
                'from "./ProductCard";',
                'from "./ProductCard";\nimport { SearchBox } from "./SearchBox";',
            ),
            Replace(
                "src/App.tsx",
                "      <ul>\n",
                "      <SearchBox "
                "onSearch={(words) => void searchProducts(words).then(setProducts)} />\n"
                "      <ul>\n",
            ),
        ),
        branch="feature/search",
        change_id="38",
        builds=(
            replace(PREVIEW, expect="canceled", no_cache=True, interrupt_after_seconds=7),
            replace(PREVIEW, after_minutes=7),
        ),
    ),
    Commit("32 10:10", "Merge the search box", ANA, merge="feature/search", builds=(PUSH, STAGING)),
    Commit(
        "29 13:35",
        "Bump vite from 6.0.7 to 6.1.0",
        BOT,
        (
            Replace("package.json", '"vite": "6.0.7"', '"vite": "6.1.0"'),
            Replace("package.json", '"rollup": "4.30.1"', '"rollup": "4.34.8"'),
            Lock(),
        ),
    ),
    Commit(
        "22 10:55",
        "Add themes for clay and felt",
        JONAS,
        (Replace("assets.json", '"brass"]', '"brass", "clay", "felt"]'),),
        builds=(PUSH, replace(NIGHTLY, no_cache=True)),
    ),
    Commit(
        "18 15:15",
        "Draw large cards from the style sheet instead of images",
        PRIYA,
        (
            Replace("assets.json", "[320, 640, 1280, 1920]", "[320, 640]"),
            Replace("assets.json", '"compressionLevel": 9', '"compressionLevel": 6'),
        ),
    ),
)

RECENT = (
    Commit(
        "11 09:20",
        "Keep source maps for error reports",
        JONAS,
        (Replace("vite.config.ts", 'target: "es2022" }', 'target: "es2022", sourcemap: true }'),),
        builds=(PUSH, STAGING),
    ),
    Commit(
        "5 13:50",
        "Name the shop in the title",
        PRIYA,
        (Replace("index.html", "<title>Shop</title>", "<title>Shop: plain furniture</title>"),),
    ),
    Commit(
        "1 10:30",
        "Tell when nothing was found",
        JONAS,
        (
            Replace(
                "src/App.tsx",
                "      <ul>\n",
                '      {products.length === 0 && <p role="status">Nothing found.</p>}\n'
                "      <ul>\n",
            ),
        ),
        builds=(replace(PUSH, progress=True), STAGING),
    ),
)

WEB = History(
    service="web",
    bases={"NODE_IMAGE": "node:22-bookworm-slim", "NGINX_IMAGE": NGINX},
    packages="npm-cache",
    offline={"NPM_CONFIG_OFFLINE": "true"},
    commits=BEGIN + ORDER + ASSETS + RECENT,
    layer_cache=True,
)
