// Package faults is the layer `faults` of verify: real members, with their real data
// folders, under faults as machines, networks and people have them.
//
// A Cluster is members that run in this process on a Wire, a bus whose messages a test
// can cut off, hold up, or change. What is to be killed hard, or to run on a disk that
// fails, is a process of its own: this test program, started again under strace, which
// ends it, or fails it, at one chosen call of the system (package file process_test.go).
//
// Each fault is a test that counts the certificates before, during and after it, and
// then has Judge look at what is on disk: every folder passes its audit, all hold one
// chain, and every event that was acknowledged is in it, once.
//
// Power is lost on paper: a run under strace gives every change that it made to its
// disk, in order, and Disk gives what a machine may find afterwards where the power was
// lost between any two of them (power_test.go).
package faults
