"""What people read: plans (and later traces) as text. Sees only `plan` and plain numbers."""
