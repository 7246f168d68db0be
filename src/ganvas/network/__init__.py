"""Networks: layers, generators and discriminators, one architecture a file, with plain flat arguments."""
