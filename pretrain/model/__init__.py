"""What is computed: the encoder, the generator and discriminator pair, and its objectives."""
