"""The stages of the journey: each reads files of the store, does one thing, and publishes files again."""
