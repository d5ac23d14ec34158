//! What board is this, and what can it do: asked in one exchange.
