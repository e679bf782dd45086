// SPDX-License-Identifier: GPL-2.0
/*
 * A simulated SPI controller for the kernel rig.
 *
 * The kernel's real SPI core and real spidev driver sit on top of it, so that a program which opens
 * /dev/spidevN.M meets the ioctl path of a real board. Every message is handed to a model of the
 * chip in user space through /dev/spi-sim (see spi_sim_abi.h). While no model has that file open,
 * transfers read as idle_byte, which is what an unconnected MISO pin looks like.
 *
 * One controller, one model, one message at a time: the SPI core serialises the messages.
 */
#include <linux/err.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/spi/spi.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "spi_sim_abi.h"

#define SPI_SIM_MAX_CHIP_SELECTS 2

static uint bus;
module_param(bus, uint, 0444);
MODULE_PARM_DESC(bus, "bus number: the N of /dev/spidevN.M");

static uint chip_selects = SPI_SIM_MAX_CHIP_SELECTS;
module_param(chip_selects, uint, 0444);
MODULE_PARM_DESC(chip_selects, "how many /dev/spidevN.M there are (1 or 2)");

static uint idle_byte;
module_param(idle_byte, uint, 0644);
MODULE_PARM_DESC(idle_byte, "what a transfer reads while no model is attached");

static uint timeout_ms = 2000;
module_param(timeout_ms, uint, 0644);
MODULE_PARM_DESC(timeout_ms, "a message the model has not answered by then fails with ETIMEDOUT");

static uint fail;
module_param(fail, uint, 0644);
MODULE_PARM_DESC(fail, "so many of the next messages fail with EIO; counts down to 0");

enum spi_sim_state {
	SPI_SIM_IDLE,		/* no message */
	SPI_SIM_OFFERED,	/* a request waits for the model */
	SPI_SIM_TAKEN,		/* the model has read it */
	SPI_SIM_ANSWERED,	/* the answer, or the model's end, waits for the controller */
};

static struct platform_device *sim_pdev;
static struct spi_controller *sim_ctlr;

static DECLARE_WAIT_QUEUE_HEAD(model_queue);
static DECLARE_WAIT_QUEUE_HEAD(controller_queue);

/* Guards everything below. */
static DEFINE_MUTEX(sim_lock);
static enum spi_sim_state sim_state;
static bool model_attached;
static u32 sim_seq;
static int sim_status;
static u8 *sim_request;
static size_t sim_request_len;
static u8 *sim_answer;
static size_t sim_answer_len;

static void spi_sim_measure(struct spi_message *msg, u32 *transfers, size_t *request_len,
			    size_t *answer_len)
{
	struct spi_transfer *t;

	*transfers = 0;
	*answer_len = 0;
	*request_len = sizeof(struct spi_sim_request);
	list_for_each_entry(t, &msg->transfers, transfer_list) {
		++*transfers;
		*answer_len += t->len;
		*request_len += sizeof(struct spi_sim_transfer) + t->len;
	}
}

static void spi_sim_write_request(struct spi_message *msg, u32 transfers)
{
	const struct spi_sim_request head = {
		.seq = sim_seq,
		.chip_select = spi_get_chipselect(msg->spi, 0),
		.mode = msg->spi->mode,
		.transfers = transfers,
	};
	struct spi_transfer *t;
	u8 *p = sim_request;

	memcpy(p, &head, sizeof(head));
	p += sizeof(head);
	list_for_each_entry(t, &msg->transfers, transfer_list) {
		const struct spi_sim_transfer part = {
			.len = t->len,
			.speed_hz = t->speed_hz,
			.has_tx = !!t->tx_buf,
			.has_rx = !!t->rx_buf,
			.cs_change = t->cs_change,
			.bits_per_word = t->bits_per_word,
		};

		memcpy(p, &part, sizeof(part));
		p += sizeof(part);
		if (t->tx_buf)
			memcpy(p, t->tx_buf, t->len);
		else
			memset(p, 0, t->len);
		p += t->len;
	}
}

/* With a NULL answer every byte reads as idle_byte. */
static void spi_sim_deliver(struct spi_message *msg, const u8 *answer)
{
	struct spi_transfer *t;

	list_for_each_entry(t, &msg->transfers, transfer_list) {
		if (t->rx_buf && answer)
			memcpy(t->rx_buf, answer, t->len);
		else if (t->rx_buf)
			memset(t->rx_buf, (u8)idle_byte, t->len);
		if (answer)
			answer += t->len;
		msg->actual_length += t->len;
	}
}

/* Gives the message to the model and waits for its answer. */
static int spi_sim_exchange(struct spi_message *msg)
{
	size_t request_len, answer_len;
	u32 transfers;
	int status;

	spi_sim_measure(msg, &transfers, &request_len, &answer_len);
	if (request_len > SPI_SIM_MAX_BYTES ||
	    answer_len > SPI_SIM_MAX_BYTES - sizeof(struct spi_sim_answer))
		return -EMSGSIZE;

	mutex_lock(&sim_lock);
	if (!model_attached) {
		spi_sim_deliver(msg, NULL);
		mutex_unlock(&sim_lock);
		return 0;
	}
	sim_seq++;
	spi_sim_write_request(msg, transfers);
	sim_request_len = request_len;
	sim_answer_len = answer_len;
	sim_state = SPI_SIM_OFFERED;
	mutex_unlock(&sim_lock);

	wake_up_interruptible(&model_queue);
	wait_event_timeout(controller_queue, READ_ONCE(sim_state) == SPI_SIM_ANSWERED,
			   msecs_to_jiffies(timeout_ms));

	mutex_lock(&sim_lock);
	status = sim_state == SPI_SIM_ANSWERED ? sim_status : -ETIMEDOUT;
	if (!status)
		spi_sim_deliver(msg, sim_answer);
	sim_state = SPI_SIM_IDLE;
	mutex_unlock(&sim_lock);
	return status;
}

static int spi_sim_transfer_one_message(struct spi_controller *ctlr, struct spi_message *msg)
{
	msg->actual_length = 0;
	if (fail) {
		fail--;
		msg->status = -EIO;
	} else {
		msg->status = spi_sim_exchange(msg);
	}
	spi_finalize_current_message(ctlr);
	return 0;
}

static int spi_sim_open(struct inode *inode, struct file *file)
{
	int ret = 0;

	mutex_lock(&sim_lock);
	if (model_attached)
		ret = -EBUSY;
	else
		model_attached = true;
	mutex_unlock(&sim_lock);
	return ret;
}

static int spi_sim_release(struct inode *inode, struct file *file)
{
	mutex_lock(&sim_lock);
	model_attached = false;
	if (sim_state == SPI_SIM_OFFERED || sim_state == SPI_SIM_TAKEN) {
		sim_status = -EIO;
		sim_state = SPI_SIM_ANSWERED;
	}
	mutex_unlock(&sim_lock);
	wake_up(&controller_queue);
	return 0;
}

static ssize_t spi_sim_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	ssize_t ret;

	mutex_lock(&sim_lock);
	while (sim_state != SPI_SIM_OFFERED) {
		mutex_unlock(&sim_lock);
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		ret = wait_event_interruptible(model_queue,
					       READ_ONCE(sim_state) == SPI_SIM_OFFERED);
		if (ret)
			return ret;
		mutex_lock(&sim_lock);
	}
	if (count < sim_request_len) {
		ret = -EMSGSIZE;
	} else if (copy_to_user(buf, sim_request, sim_request_len)) {
		ret = -EFAULT;
	} else {
		ret = sim_request_len;
		sim_state = SPI_SIM_TAKEN;
	}
	mutex_unlock(&sim_lock);
	return ret;
}

static int spi_sim_take_answer(const char __user *buf, size_t count)
{
	struct spi_sim_answer head;

	if (count < sizeof(head))
		return -EINVAL;
	if (copy_from_user(&head, buf, sizeof(head)))
		return -EFAULT;
	if (sim_state != SPI_SIM_TAKEN || head.seq != sim_seq)
		return -ESTALE;		/* The message has timed out meanwhile. */
	if (head.status) {
		if (head.status > 0 || head.status < -MAX_ERRNO)
			return -EINVAL;
	} else {
		if (count != sizeof(head) + sim_answer_len)
			return -EINVAL;
		if (copy_from_user(sim_answer, buf + sizeof(head), sim_answer_len))
			return -EFAULT;
	}
	sim_status = head.status;
	sim_state = SPI_SIM_ANSWERED;
	return 0;
}

static ssize_t spi_sim_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	int ret;

	mutex_lock(&sim_lock);
	ret = spi_sim_take_answer(buf, count);
	mutex_unlock(&sim_lock);
	if (ret)
		return ret;
	wake_up(&controller_queue);
	return count;
}

static __poll_t spi_sim_poll(struct file *file, poll_table *wait)
{
	poll_wait(file, &model_queue, wait);
	return READ_ONCE(sim_state) == SPI_SIM_OFFERED ? EPOLLIN | EPOLLRDNORM : 0;
}

static const struct file_operations spi_sim_fops = {
	.owner = THIS_MODULE,
	.open = spi_sim_open,
	.release = spi_sim_release,
	.read = spi_sim_read,
	.write = spi_sim_write,
	.poll = spi_sim_poll,
};

static struct miscdevice spi_sim_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "spi-sim",
	.fops = &spi_sim_fops,
};

static int spi_sim_add_devices(void)
{
	uint cs;

	for (cs = 0; cs < chip_selects; cs++) {
		struct spi_board_info info = {
			/* spidev refuses to bind to its own name; this is one it does bind to. */
			.modalias = "dh2228fv",
			.max_speed_hz = 125000000,
			.chip_select = cs,
		};

		if (!spi_new_device(sim_ctlr, &info))
			return -ENODEV;
	}
	return 0;
}

static int spi_sim_add_controller(void)
{
	int ret;

	sim_ctlr = spi_alloc_host(&sim_pdev->dev, 0);
	if (!sim_ctlr)
		return -ENOMEM;
	sim_ctlr->bus_num = bus;
	sim_ctlr->num_chipselect = SPI_SIM_MAX_CHIP_SELECTS;
	/* What spi-bcm2835 offers. */
	sim_ctlr->mode_bits = SPI_CPOL | SPI_CPHA | SPI_CS_HIGH | SPI_NO_CS | SPI_3WIRE;
	sim_ctlr->bits_per_word_mask = SPI_BPW_MASK(8);
	sim_ctlr->transfer_one_message = spi_sim_transfer_one_message;
	ret = spi_register_controller(sim_ctlr);
	if (ret)
		spi_controller_put(sim_ctlr);
	return ret;
}

static void spi_sim_free_buffers(void)
{
	kfree(sim_request);
	kfree(sim_answer);
}

static int __init spi_sim_init(void)
{
	int ret;

	if (!chip_selects || chip_selects > SPI_SIM_MAX_CHIP_SELECTS)
		return -EINVAL;

	sim_request = kmalloc(SPI_SIM_MAX_BYTES, GFP_KERNEL);
	sim_answer = kmalloc(SPI_SIM_MAX_BYTES, GFP_KERNEL);
	if (!sim_request || !sim_answer) {
		ret = -ENOMEM;
		goto free_buffers;
	}

	sim_pdev = platform_device_register_simple("spi-sim", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(sim_pdev)) {
		ret = PTR_ERR(sim_pdev);
		goto free_buffers;
	}

	ret = spi_sim_add_controller();
	if (ret)
		goto remove_pdev;

	ret = misc_register(&spi_sim_misc);
	if (ret)
		goto remove_controller;

	ret = spi_sim_add_devices();
	if (ret)
		goto remove_misc;
	return 0;

remove_misc:
	misc_deregister(&spi_sim_misc);
remove_controller:
	spi_unregister_controller(sim_ctlr);
remove_pdev:
	platform_device_unregister(sim_pdev);
free_buffers:
	spi_sim_free_buffers();
	return ret;
}

static void __exit spi_sim_exit(void)
{
	misc_deregister(&spi_sim_misc);
	spi_unregister_controller(sim_ctlr);
	platform_device_unregister(sim_pdev);
	spi_sim_free_buffers();
}

module_init(spi_sim_init);
module_exit(spi_sim_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Simulated SPI controller with the chip modelled in user space");
