"""What a discriminator is for: fine-tuned on labelled tasks, over several seeds, beside another."""
