"""The history of the products API."""

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

NODE = "node:22-bookworm-slim"
BOTH_PLATFORMS = ("linux/amd64", "linux/arm64")

PUSH = BuildPlan()
PREVIEW = BuildPlan(trigger="pull_request", environment="preview")
DEV = BuildPlan(target="dev", variant="dev", environment="development", after_minutes=9)
FRENCH = replace(PUSH, args=(("LOCALES", "en,de,fr"),))
FRENCH_PREVIEW = replace(PREVIEW, args=FRENCH.args)
RELEASE = replace(FRENCH, pipeline="release", platforms=BOTH_PLATFORMS, after_minutes=14)

PAGE_TEST = """
test("a wrong page is refused", async () => {
  const response = await fetch(`${address}/products?page=none`);
  assert.equal(response.status, 400);
});
"""

STOCK_TEST = """
test("products out of stock can be left out", async () => {
  const response = await fetch(`${address}/products?available=true`);
  assert.ok((await response.json()).every((product) => product.stock > 0));
});
"""

REQUEST_LOG = """import pino from "pino";

export function requestLog() {
  const log = pino({ level: process.env.LOG_LEVEL ?? "info" });
  return (request, response, next) => {
    const started = performance.now();
    response.on("finish", () => {
      const milliseconds = Math.round(performance.now() - started);
      log.info({ path: request.path, status: response.statusCode, milliseconds }, "request");
    });
    next();
  };
}
"""

LAST_TEST = """  assert.equal(response.status, 404);
});
"""

BEGIN = (
    Commit("84 09:40", "Add the products API", ANA, builds=(replace(PUSH, progress=True), DEV)),
    Commit(
        "83 14:10",
        "Sort a page of products by title",
        JONAS,
        (
            Replace(
                "src/catalogue.js",
                "return catalogue(locale).slice(start, start + PAGE_SIZE);",
                "const listed = catalogue(locale).slice(start, start + PAGE_SIZE);\n"
                "  const byTitle = new Intl.Collator(locale).compare;\n"
                "  return listed.sort((one, other) => byTitle(one.title, other.title));",
            ),
        ),
    ),
    Commit(
        "80 10:25",
        "Log every request",
        PRIYA,
        (
            Write("src/request-log.js", REQUEST_LOG),
            Replace(
                "src/app.js",
                '"./catalogue.js";',
                '"./catalogue.js";\nimport { requestLog } from "./request-log.js";',
            ),
            Replace(
                "src/app.js",
                '  app.get("/healthz"',
                '  app.use(requestLog());\n\n  app.get("/healthz"',
            ),
        ),
    ),
    Commit(
        "78 13:05",
        "Bump express from 4.19.2 to 4.21.2",
        BOT,
        (Replace("package.json", '"express": "4.19.2"', '"express": "4.21.2"'), Lock()),
    ),
    Commit(
        "76 09:15",
        "Test that a wrong page number is refused",
        ANA,
        (Replace("test/app.test.js", LAST_TEST, LAST_TEST + PAGE_TEST),),
        builds=(BuildPlan(expect="failed", progress=True),),
    ),
    Commit(
        "76 10:02",
        "Answer a wrong page number with 400",
        ANA,
        (
            Replace(
                "src/app.js",
                '  app.get("/products", (request, response) => {\n',
                '  app.get("/products", (request, response) => {\n'
                '    if (!/^[1-9]\\d*$/.test(request.query.page ?? "1")) {\n'
                '      response.status(400).json({ error: "page is not a number" });\n'
                "      return;\n"
                "    }\n",
            ),
        ),
    ),
    Commit(
        "73 15:20",
        "Filter products by stock",
        JONAS,
        (
            Replace(
                "src/catalogue.js",
                "export function listProducts(locale, page) {",
                "export function listProducts(locale, page, available = false) {",
            ),
            Replace(
                "src/catalogue.js",
                "const listed = catalogue(locale).slice(",
                "const wanted = catalogue(locale).filter(({ stock }) => stock > 0 || !available);\n"
                "  const listed = wanted.slice(",
            ),
        ),
        branch="feature/stock-filter",
        change_id="12",
        builds=(PREVIEW,),
    ),
    Commit(
        "72 11:30",
        "Test the stock filter",
        JONAS,
        (
            Replace("test/app.test.js", PAGE_TEST, PAGE_TEST + STOCK_TEST),
            Replace(
                "src/app.js",
                '    response.json(listProducts(request.query.locale ?? "en", '
                "Number(request.query.page ?? 1)));",
                '    const { available, locale = "en", page = 1 } = request.query;\n'
                '    response.json(listProducts(locale, Number(page), available === "true"));',
            ),
        ),
        branch="feature/stock-filter",
        change_id="12",
        builds=(PREVIEW,),
    ),
    Commit(
        "71 16:00",
        "Merge the stock filter",
        ANA,
        merge="feature/stock-filter",
        builds=(PUSH, replace(PUSH, after_minutes=26)),
    ),
    Commit(
        "66 10:10",
        "Refuse locales that the catalogue does not have",
        PRIYA,
        (
            Replace(
                "src/app.js",
                "    response.json(listProducts(",
                "    if (!hasLocale(locale)) {\n"
                '      response.status(404).json({ error: "unknown locale" });\n'
                "      return;\n"
                "    }\n"
                "    response.json(listProducts(",
            ),
            Replace("src/app.js", "{ findProduct,", "{ findProduct, hasLocale,"),
            Replace("src/catalogue.js", "{ readFileSync }", "{ existsSync, readFileSync }"),
            Replace(
                "src/catalogue.js",
                "export function listProducts",
                "export function hasLocale(locale) {\n"
                "  const name = `../dist/catalogue.${locale}.json.br`;\n"
                "  const file = new URL(name, import.meta.url);\n"
                "  return /^[a-z]{2}$/.test(locale) && existsSync(file);\n"
                "}\n\nexport function listProducts",
            ),
        ),
        builds=(
            FRENCH,
            replace(
                FRENCH,
                pipeline="nightly",
                trigger="schedule",
                after_minutes=980,
                refreshed_base=NODE,
            ),
        ),
    ),
)

GROWTH = (
    Commit(
        "59 09:50",
        "Load the whole product range",
        ANA,
        (Replace("data/catalogue.json", '"products": 2000', '"products": 9000'),),
        builds=(replace(FRENCH, progress=True),),
    ),
    Commit(
        "57 13:30",
        "Name oak tables in the sample texts",
        JONAS,
        (Replace("data/catalogue.json", '"glass", "cork"', '"glass", "marble", "cork"'),),
        builds=(FRENCH,),
    ),
    Commit(
        "52 08:55",
        "Round prices to whole tens of cents",
        PRIYA,
        (
            Replace(
                "scripts/build-catalogue.js",
                "priceCents: 900 + (digest.readUInt16BE(12) % 40000),",
                "priceCents: 900 + (digest.readUInt16BE(12) % 4000) * 10,",
            ),
        ),
        builds=(FRENCH, RELEASE),
    ),
    Commit(
        "47 15:45",
        "Add benches of brass",
        JONAS,
        (Replace("data/catalogue.json", '"bench", "stool"', '"bench", "stool", "tray"'),),
        builds=(FRENCH, replace(RELEASE, after_minutes=40)),
    ),
    Commit(
        "45 10:20",
        "Compress the catalogue at quality 9",
        ANA,
        (
            Replace(
                "scripts/build-catalogue.js",
                "[constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 },",
                "[constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: 22 },",
            ),
        ),
        builds=(FRENCH,),
    ),
    Commit(
        "41 11:05",
        "Copy the health check into the image",
        JONAS,
        (
            Write(
                "src/healthcheck.js",
                "const port = process.env.PORT ?? 3000;\n"
                "const response = await fetch(`http://127.0.0.1:${port}/healthz`);\n"
                "process.exitCode = response.ok ? 0 : 1;\n",
            ),
            Replace(
                "Dockerfile",
                'EXPOSE 3000\nCMD ["node", "src/server.js"]',
                'EXPOSE 3000\nHEALTCHECK CMD ["node", "src/healthcheck.js"]\n'
                'CMD ["node", "src/server.js"]',
            ),
        ),
        builds=(replace(FRENCH, expect="failed"),),
    ),
    Commit(
        "41 11:12",
        "Spell HEALTHCHECK",
        JONAS,
        (Replace("Dockerfile", "HEALTCHECK", "HEALTHCHECK"),),
        builds=(FRENCH,),
    ),
    Commit(
        "38 14:40",
        "Install dependencies once for all stages",
        PRIYA,
        (
            Replace(
                "Dockerfile",
                "COPY --from=deps --chown=node:node /app/node_modules node_modules",
                "COPY --from=build --chown=node:node /app/node_modules node_modules",
            ),
        ),
        builds=(FRENCH,),
    ),
    Commit(
        "34 09:30",
        "Say which locale was asked for",
        ANA,
        (Replace("src/app.js", 'error: "unknown locale"', "error: `unknown locale ${locale}`"),),
        builds=(FRENCH, replace(FRENCH, after_minutes=45, target="dev", variant="dev")),
    ),
    Commit(
        "31 16:15",
        "Leave development dependencies out of the image again",
        PRIYA,
        (
            Replace(
                "Dockerfile",
                "COPY --from=build --chown=node:node /app/node_modules node_modules",
                "COPY --from=deps --chown=node:node /app/node_modules node_modules",
            ),
        ),
        builds=(FRENCH, RELEASE),
    ),
)

RECENT = (
    Commit(
        "27 10:35",
        "Answer unknown paths with JSON",
        JONAS,
        (
            Replace(
                "src/app.js",
                "  return app;",
                "  app.use((request, response) => {\n"
                '    response.status(404).json({ error: "unknown path" });\n'
                "  });\n\n  return app;",
            ),
        ),
        builds=(
            replace(FRENCH, expect="canceled", lost_cache=True, interrupt_after_seconds=5),
            replace(FRENCH, after_minutes=11),
        ),
    ),
    Commit(
        "20 13:20",
        "Label the image with its maintainer",
        PRIYA,
        (
            Replace(
                "Dockerfile",
                "FROM base AS runtime\nENV NODE_ENV=production",
                "FROM base as runtime\nMAINTAINER team@example.com\nENV NODE_ENV production",
            ),
        ),
        builds=(FRENCH,),
    ),
    Commit(
        "16 09:25",
        "Bump pino from 9.5.0 to 9.6.0",
        BOT,
        (Replace("package.json", '"pino": "9.5.0"', '"pino": "9.6.0"'), Lock()),
        branch="dependencies/pino",
        change_id="19",
        builds=(FRENCH_PREVIEW,),
    ),
    Commit(
        "15 14:00",
        "Merge pino 9.6.0",
        ANA,
        merge="dependencies/pino",
        builds=(FRENCH,),
    ),
    Commit(
        "13 11:40",
        "Follow the Dockerfile checks",
        PRIYA,
        (
            Replace(
                "Dockerfile",
                "FROM base as runtime\nMAINTAINER team@example.com\nENV NODE_ENV production",
                "FROM base AS runtime\nLABEL org.opencontainers.image.authors=team@example.com\n"
                "ENV NODE_ENV=production",
            ),
        ),
        builds=(FRENCH,),
    ),
    Commit(
        "6 10:50",
        "Let pages of products be cached for a minute",
        JONAS,
        (
            Replace(
                "src/app.js",
                "    response.json(listProducts(",
                '    response.set("Cache-Control", "public, max-age=60");\n'
                "    response.json(listProducts(",
            ),
        ),
        builds=(FRENCH, RELEASE),
    ),
    Commit(
        "2 15:10",
        "Send the version with every answer",
        ANA,
        (
            Replace(
                "src/app.js",
                "  app.use(requestLog());\n",
                "  app.use(requestLog());\n"
                "  app.use((request, response, next) => {\n"
                '    response.set("X-App-Version", process.env.APP_VERSION ?? "dev");\n'
                "    next();\n"
                "  });\n",
            ),
        ),
        builds=(
            replace(FRENCH, progress=True),
            replace(FRENCH, pipeline="nightly", trigger="schedule", after_minutes=680),
        ),
    ),
)

API = History(
    service="api",
    bases={"NODE_IMAGE": NODE},
    packages="npm-cache",
    offline={"NPM_CONFIG_OFFLINE": "true"},
    commits=BEGIN + GROWTH + RECENT,
)
