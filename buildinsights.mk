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

_DRY_RUN = $(if $(DRY_RUN),--dry-run)
_PRUNE = $(if $(OLDER_THAN)$(MAX_USED_SPACE),,--older-than 30d) \
  $(if $(OLDER_THAN),--older-than $(OLDER_THAN)) $(if $(MAX_USED_SPACE),--max-used-space $(MAX_USED_SPACE))

.PHONY: build graph variants build-history doctor cache-status cache-warm cache-prune cache-verify cache-expire

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

build-history: ## Show the last builds on this machine
	@$(BUILDINSIGHTS) history

doctor: ## Tell what is missing to build here, and how to get it
	@$(BUILDINSIGHTS) doctor

##@ Caches
cache-status: ## Show what the builder keeps, and the caches of the targets in registries
	@$(BUILDINSIGHTS) cache status

cache-warm: ## Fill the caches of the default group in the order of needs, and keep no image (WORTH=1 DRY_RUN=1)
	@$(BUILDINSIGHTS) cache warm $(if $(WORTH),--worth) $(_DRY_RUN)

cache-warm-%: ## Fill the caches of one target: make cache-warm-api
	@$(BUILDINSIGHTS) cache warm $* $(_DRY_RUN)

cache-prune: ## Remove what the builder has not used for 30 days (OLDER_THAN=24h MAX_USED_SPACE=10GB DRY_RUN=1)
	@$(BUILDINSIGHTS) cache prune $(_PRUNE) $(_DRY_RUN)

cache-invalidate-%: ## Let a target's steps run again (STAGE=build FROM_STEP='npm ci' DRY_RUN=1)
	@$(BUILDINSIGHTS) cache invalidate $* $(if $(STAGE),--stage '$(STAGE)') \
	  $(if $(FROM_STEP),--from-step '$(FROM_STEP)') \
	  $(if $(PACKAGE),--package '$(PACKAGE)' --below '$(BELOW)') $(_DRY_RUN)

cache-rebuild-%: ## Make the registry cache of one target anew, and verify it: make cache-rebuild-api
	@$(BUILDINSIGHTS) cache rebuild $* $(_DRY_RUN)

cache-verify: ## Check the caches in registries, each byte with DEEP=1, and keep builds from broken ones
	@$(BUILDINSIGHTS) cache verify --quarantine $(if $(DEEP),--deep)

cache-expire: ## Remove caches from registries that nothing has used for 30 days (KEEP_DAYS=30 DRY_RUN=1)
	@$(BUILDINSIGHTS) cache expire --keep-days $(or $(KEEP_DAYS),30) $(_DRY_RUN)
