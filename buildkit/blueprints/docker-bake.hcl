# Written by `buildinsights init`; yours to change. Build it with `buildinsights build`.

variable "REGISTRY" {
  default     = "localhost:5000"
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
variable "PLATFORMS" {
  default     = ""
  description = "linux/amd64,linux/arm64 for both; empty for that of the builder."
}
variable "CACHE" {
  default     = ""
  description = "Set to 1 to import and export layer caches of the registry."
}
variable "VERSION" { default = "dev" }
variable "REVISION" { default = "" }
@VARIABLES@
target "@NAME@" {
  target     = VARIANT
  platforms  = PLATFORMS == "" ? [] : split(",", PLATFORMS)
  tags       = ["${REGISTRY}/@NAME@:${TAG}-${VARIANT}"]
  cache-from = CACHE == "" ? [] : ["type=registry,ref=${REGISTRY}/@NAME@-cache:${VARIANT}"]
  cache-to   = CACHE == "" ? [] : ["type=registry,ref=${REGISTRY}/@NAME@-cache:${VARIANT},mode=max"]
  attest     = ["type=provenance,mode=max"]
  args = {
    APP_VERSION = VERSION
@ARGS@
  }
  labels = {
    "org.opencontainers.image.title"    = "@NAME@"
    "org.opencontainers.image.version"  = VERSION
    "org.opencontainers.image.revision" = REVISION
  }
}

# The suite runs while building, inside of the variant; only its cache is kept.
target "@NAME@-test" {
  inherits = ["@NAME@"]
  target   = "test-${VARIANT}"
  tags     = []
  output   = ["type=cacheonly"]
}

group "default" { targets = ["@NAME@"] }
