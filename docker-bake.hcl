# The reference services: `make build`, `buildinsights build`, or plain `docker buildx bake`.

variable "REGISTRY" {
  default     = "localhost:5000/shop"
  description = "Where images and caches are pushed to."
}
variable "TAG" { default = "dev" }
variable "VARIANT" {
  default = "prod"
  validation {
    condition     = contains(["dev", "prod"], VARIANT)
    error_message = "VARIANT is dev or prod."
  }
}
variable "ENVIRONMENT" {
  default     = "production"
  description = "A file of environments/ that `buildinsights build --env` reads."
}
variable "PLATFORMS" {
  default     = "linux/amd64"
  description = "With commas between; several need a builder and an engine that can."
}
variable "CACHE" {
  default     = ""
  description = "Set to 1 to import and export layer caches of the registry."
}
variable "VERSION" { default = "dev" }
variable "REVISION" { default = "" }
variable "LOG_LEVEL" { default = "info" }
variable "FEATURE_FLAGS" { default = "" }
variable "API_URL" { default = "" }

# Base images; any of them may come from a mirror.
variable "NODE_IMAGE" { default = "node:22-bookworm-slim" }
variable "PYTHON_IMAGE" { default = "python:3.13-slim-bookworm" }
variable "NGINX_IMAGE" { default = "nginx:stable" }

group "default" { targets = ["api", "web", "ai"] }
group "test" { targets = ["api-test", "web-test", "ai-test"] }

function "suffixed" {
  params = [name]
  result = concat(
    ["${REGISTRY}/${name}:${TAG}-${VARIANT}"],
    # One platform gets a tag that says which; several share one index.
    length(split(",", PLATFORMS)) == 1 ? ["${REGISTRY}/${name}:${TAG}-${VARIANT}-${replace(replace(PLATFORMS, "linux/", ""), "/", "-")}"] : [],
  )
}

target "_common" {
  platforms = split(",", PLATFORMS)
  args = {
    APP_VERSION = VERSION
    LOG_LEVEL   = LOG_LEVEL
  }
  labels = {
    "org.opencontainers.image.version"  = VERSION
    "org.opencontainers.image.revision" = REVISION
    "org.opencontainers.image.vendor"   = "shop"
  }
  attest = ["type=provenance,mode=max"]
}

function "cache_from" {
  params = [name]
  result = CACHE == "" ? [] : ["type=registry,ref=${REGISTRY}/${name}-cache:${VARIANT}"]
}

function "cache_to" {
  params = [name]
  result = CACHE == "" ? [] : ["type=registry,ref=${REGISTRY}/${name}-cache:${VARIANT},mode=max"]
}

# What api and web share: changing it rebuilds both, and nothing else.
target "shared" {
  context = "services/shared"
  output  = ["type=cacheonly"]
}

target "api" {
  inherits   = ["_common"]
  context    = "services/api"
  contexts   = { shared = "target:shared" }
  target     = VARIANT
  tags       = suffixed("api")
  cache-from = cache_from("api")
  cache-to   = cache_to("api")
  args = {
    NODE_IMAGE    = NODE_IMAGE
    FEATURE_FLAGS = FEATURE_FLAGS
  }
  labels = { "org.opencontainers.image.title" = "api" }
}

target "web" {
  inherits   = ["_common"]
  context    = "services/web"
  contexts   = { shared = "target:shared" }
  target     = VARIANT
  tags       = suffixed("web")
  cache-from = cache_from("web")
  cache-to   = cache_to("web")
  args = {
    NODE_IMAGE   = NODE_IMAGE
    NGINX_IMAGE  = NGINX_IMAGE
    VITE_API_URL = API_URL
  }
  labels = { "org.opencontainers.image.title" = "web" }
}

target "ai" {
  inherits   = ["_common"]
  context    = "services/ai"
  target     = VARIANT
  tags       = suffixed("ai")
  cache-from = cache_from("ai")
  cache-to   = cache_to("ai")
  args       = { PYTHON_IMAGE = PYTHON_IMAGE }
  labels     = { "org.opencontainers.image.title" = "ai" }
}

# The suites run while building; nothing is kept of them but the cache.
target "_test" {
  target = "test"
  tags   = []
  output = ["type=cacheonly"]
}
target "api-test" { inherits = ["api", "_test"] }
target "web-test" { inherits = ["web", "_test"] }
target "ai-test" { inherits = ["ai", "_test"] }
