"""What a version becomes for each target: intended, made, served."""
