"""What time, cameras and codecs do to photographs, drawn a sample at a time on the pictures' device."""
