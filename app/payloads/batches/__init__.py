"""Files of batch predictions, read and written in blocks: nothing here holds more than a part of one."""
