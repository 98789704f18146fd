# Builds with records, for any repository: `include buildinsights.mk` in its Makefile.
#
#   BUILDINSIGHTS  the command (default: buildinsights on PATH)
#   VARIANT PLATFORMS ENV PUSH  what to build: VARIANT=dev PLATFORMS=linux/amd64,linux/arm64 PUSH=1
#   ACCELERATOR    cpu or cuda (default: cuda where nvidia-smi is)
#   BAKE_ARGS      anything else for `buildinsights build`

BUILDINSIGHTS ?= buildinsights

_BUILD = $(BUILDINSIGHTS) build $(if $(VARIANT),--variant $(VARIANT)) $(if $(PLATFORMS),--platform $(PLATFORMS)) \
  $(if $(ENV),--env $(ENV)) $(if $(PUSH),$(_PUSH)) $(BAKE_ARGS)
# An index of several platforms gets a tag for each of them beside it.
_COMMA := ,
_PUSH = --push $(if $(findstring $(_COMMA),$(PLATFORMS)),--platform-tags)
# Dockerfiles that know this argument leave out what only a GPU needs.
export ACCELERATOR ?= $(if $(shell command -v nvidia-smi),cuda,cpu)

.PHONY: build graph variants build-history doctor cache-status cache-warm cache-clean

##@ Build
build: ## Build the default group (VARIANT=dev PLATFORMS=… ENV=… PUSH=1)
	@$(_BUILD)

build-%: ## Build one target: make build-api
	@$(_BUILD) $*

test-%: ## Run the tests of one service while building: make test-api
	@$(_BUILD) $*-test

push-%: ## Build one target and push it: make push-api
	@$(_BUILD) $(if $(PUSH),,$(_PUSH)) $*

debug-%: ## Open a shell before the step at which a target failed: make debug-api
	@$(BUILDINSIGHTS) debug $*

graph: ## Show which target needs which (FORMAT=mermaid|dot|svg)
	@$(BUILDINSIGHTS) graph --format $(or $(FORMAT),text)

variants: ## Show what differs between dev and prod; fails if a locked version has drifted
	@$(BUILDINSIGHTS) variants

cache-warm: ## Fill the builder's cache with the default group, and keep no image
	@$(_BUILD) --set '*.output=type=cacheonly' --set '*.tags='

cache-status: ## Show what the builder keeps
	@docker buildx du

cache-clean: ## Remove what the builder has not used for a day
	@docker buildx prune --force --filter until=24h

build-history: ## Show the last builds on this machine
	@$(BUILDINSIGHTS) history

doctor: ## Tell what is missing to build here, and how to get it
	@$(BUILDINSIGHTS) doctor
