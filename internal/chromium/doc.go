// Package chromium drives a headless Chromium in tests: a real browser, which runs pages under the policies
// that they were sent with. What a page complains of is kept, and Quiet fails the test for it.
package chromium
