"""Amazon's Selling Partner API as it documents itself: login, listings, catalogue, feeds, notifications, limits."""

from tests.support.vendors.amazon.vendor import AmazonVendor

__all__ = ["AmazonVendor"]
