/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What spi-sim.ko and a user-space model of a chip say to each other through /dev/spi-sim.
 *
 * The model read()s one request: struct spi_sim_request, then `transfers` times a
 * struct spi_sim_transfer followed by its `len` bytes to the chip (zeros if the client gave none).
 * It write()s one answer: struct spi_sim_answer, then the bytes from the chip of all transfers in
 * order (the sum of `len`), or nothing more when `status` is not 0.
 */
#ifndef SPI_SIM_ABI_H
#define SPI_SIM_ABI_H

#include <linux/types.h>

/* Largest request and largest answer in bytes, headers included. */
#define SPI_SIM_MAX_BYTES 65536

struct spi_sim_request {
	__u32 seq;		/* Repeated in the answer. */
	__u32 chip_select;
	__u32 mode;		/* SPI_MODE_* bits the client has set. */
	__u32 transfers;
};

struct spi_sim_transfer {
	__u32 len;
	__u32 speed_hz;
	__u8 has_tx;
	__u8 has_rx;
	__u8 cs_change;		/* The chip select is released after this transfer. */
	__u8 bits_per_word;
};

struct spi_sim_answer {
	__u32 seq;
	__s32 status;		/* 0, or the negative errno the client shall see. */
};

#endif
