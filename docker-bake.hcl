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
variable "SBOM" {
  default     = ""
  description = "The scanner's image, docker/buildkit-syft-scanner for example: attaches an SBOM."
}
variable "LOG_LEVEL" { default = "info" }
variable "FEATURE_FLAGS" { default = "" }
variable "API_URL" { default = "" }

# Base images; any of them may come from a mirror.
variable "NODE_IMAGE" { default = "node:22-bookworm-slim" }
variable "NODE_RUNTIME_IMAGE" {
  default     = ""
  description = "What the Node.js API runs on, if not on NODE_IMAGE: distroless, for example."
}
variable "PYTHON_IMAGE" { default = "python:3.13-slim-bookworm" }
variable "NGINX_IMAGE" { default = "nginx:stable" }
variable "CUDA_IMAGE" { default = "nvidia/cuda:12.8.1-runtime-ubuntu24.04" }
variable "ACCELERATOR" {
  default     = "cpu"
  description = "cuda where there is a GPU; make looks for one."
  validation {
    condition     = contains(["cpu", "cuda"], ACCELERATOR)
    error_message = "ACCELERATOR is cpu or cuda."
  }
}

group "default" { targets = ["api", "web", "ai"] }
group "test" { targets = ["api-test", "web-test", "ai-test"] }

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
  attest = concat(["type=provenance,mode=max"], SBOM == "" ? [] : ["type=sbom,generator=${SBOM}"])
}

function "tags" {
  params = [name]
  result = ["${REGISTRY}/${name}:${TAG}-${VARIANT}"]
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
  dockerfile = "../../buildkit/blueprints/node-api/Dockerfile"
  contexts   = { shared = "target:shared" }
  target     = VARIANT
  tags       = tags("api")
  cache-from = cache_from("api")
  cache-to   = cache_to("api")
  args = {
    NODE_IMAGE    = NODE_IMAGE
    RUNTIME_IMAGE = NODE_RUNTIME_IMAGE == "" ? NODE_IMAGE : NODE_RUNTIME_IMAGE
    FEATURE_FLAGS = FEATURE_FLAGS
  }
  labels = { "org.opencontainers.image.title" = "api" }
}

target "web" {
  inherits   = ["_common"]
  context    = "services/web"
  dockerfile = "../../buildkit/blueprints/react-web/Dockerfile"
  contexts   = { shared = "target:shared", blueprint = "buildkit/blueprints/react-web" }
  target     = VARIANT
  tags       = tags("web")
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
  dockerfile = "../../buildkit/blueprints/python-ai/Dockerfile"
  target     = VARIANT
  tags       = tags("ai")
  cache-from = cache_from("ai")
  cache-to   = cache_to("ai")
  args = {
    PYTHON_IMAGE = PYTHON_IMAGE
    CUDA_IMAGE   = CUDA_IMAGE
    ACCELERATOR  = ACCELERATOR
  }
  labels     = { "org.opencontainers.image.title" = "ai" }
}

# The suites run while building, inside of the variant that VARIANT names; only their cache is kept.
target "_test" {
  target = "test-${VARIANT}"
  tags   = []
  output = ["type=cacheonly"]
}
target "api-test" { inherits = ["api", "_test"] }
target "web-test" { inherits = ["web", "_test"] }
target "ai-test" { inherits = ["ai", "_test"] }
