"""What the sign-in page offers in demo mode."""

from django import template

from liaison.accounts.queries import demo_sign_ins

register = template.Library()
register.simple_tag(demo_sign_ins, name="demo_sign_ins")
