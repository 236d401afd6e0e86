"""The practice box: a real kernel under QEMU with a serial console and sshd."""
