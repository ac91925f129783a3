"""Amazon's Selling Partner API as it documents itself: login, listings, catalogue, feeds, notifications, usage plans."""

from tests.support.vendors.amazon.vendor import AmazonVendor

__all__ = ["AmazonVendor"]
