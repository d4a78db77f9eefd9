"""The dashboard: grows trees of snapshots with cl_core and looks at them. cl_core never imports it."""
