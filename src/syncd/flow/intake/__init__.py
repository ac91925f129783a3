"""What arrives: taken in, understood, its bytes brought home, its sender answered."""
