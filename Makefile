.PHONY: demo test lock

demo: ## set up and run the main job on sample_audio
	scripts/setup.sh run
	scripts/demo.sh

test: ## set up and run style, types, tests and a small evaluation
	scripts/setup.sh dev
	scripts/test.sh

lock: ## write the lock files anew (needs uv)
	scripts/lock.sh
