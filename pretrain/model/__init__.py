"""The model: the encoder, the pair of generator and discriminator, and the objectives that it is trained with."""
