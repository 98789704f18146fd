# Builds with records, for any repository: `include buildinsights.mk` in its Makefile.
#
#   BUILDINSIGHTS  the command (default: buildinsights on PATH)
#   VARIANT PLATFORMS ENV PUSH  what to build: VARIANT=dev PLATFORMS=linux/amd64,linux/arm64 PUSH=1
#   BAKE_ARGS      anything else for `buildinsights build`

BUILDINSIGHTS ?= buildinsights

_BUILD = $(BUILDINSIGHTS) build $(if $(VARIANT),--variant $(VARIANT)) $(if $(PLATFORMS),--platform $(PLATFORMS)) \
  $(if $(ENV),--env $(ENV)) $(if $(PUSH),--push) $(BAKE_ARGS)

.PHONY: build graph build-history doctor

##@ Build
build: ## Build the default group (VARIANT=dev PLATFORMS=… ENV=… PUSH=1)
	@$(_BUILD)

build-%: ## Build one target: make build-api
	@$(_BUILD) $*

test-%: ## Run the tests of one service while building: make test-api
	@$(_BUILD) $*-test

push-%: ## Build one target and push it: make push-api
	@$(_BUILD) --push $*

debug-%: ## Open a shell before the step at which a target failed: make debug-api
	@$(BUILDINSIGHTS) debug $*

graph: ## Show which target needs which (FORMAT=mermaid|dot|svg)
	@$(BUILDINSIGHTS) graph --format $(or $(FORMAT),text)

cache-status: ## Show what the builder keeps
	@docker buildx du

cache-clean: ## Remove what the builder has not used for a day
	@docker buildx prune --force --filter until=24h

build-history: ## Show the last builds on this machine
	@$(BUILDINSIGHTS) history

doctor: ## Tell what is missing to build here, and how to get it
	@$(BUILDINSIGHTS) doctor
