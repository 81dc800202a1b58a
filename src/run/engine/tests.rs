//! Tables of inputs and expected commands.
