.PHONY: help demo test docs lock
.DEFAULT_GOAL := help

help: ## list the targets
	@sed -nE 's/^([a-z]+): ## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 8

demo: ## set up and run the main job on sample_audio
	scripts/setup.sh run
	scripts/demo.sh

test: ## set up and run style, types, tests and a small evaluation
	scripts/setup.sh dev
	scripts/test.sh

docs: ## set up and build the documentation into build/site
	scripts/setup.sh dev
	.venv/bin/python -m tests.house.reference_pages
	.venv/bin/python -m mkdocs build --strict

lock: ## write the lock files anew (needs uv)
	scripts/lock.sh
