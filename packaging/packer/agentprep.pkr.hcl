# A machine's disk becomes a VHD that Azure takes: Packer starts a copy of it, agentprep prepares it, qemu-img converts it.
#
# To use it (Packer 1.7 or later, and qemu-img, on the machine where QEMU or VMware Workstation runs):
#   packer init . && packer build -only=qemu.guest -var disk=/images/web01.qcow2 -var package=agentprep_0.2.0-1_all.deb \
#     -var ssh_username=admin -var ssh_private_key_file=~/.ssh/id_ed25519 .
# The source is not written to.  The user must log in with the key and may use sudo without a password.
#
# Everything that can fail does so in the provisioner: the build stops there, with agentprep's reason, and the copy is
# thrown away.  What the machine lacked is in output/agentprep.xml then (JUnit).  The part that cannot be undone is the
# shutdown_command, after which nothing can log in any more; where that fails the machine stays on, and Packer gives up
# after shutdown_timeout.  The result is output/azure.vhd; upload it with: az or azcopy, as a page blob or a disk.

variable "disk" {
  type        = string
  default     = "source.qcow2"
  description = "The disk that QEMU copies."
}

variable "vmx" {
  type        = string
  default     = "source.vmx"
  description = "The machine that VMware clones, powered off."
}

variable "qemuargs" {
  type        = list(list(string))
  default     = []
  description = "For UEFI (Gen2), for example [[\"-bios\", \"/usr/share/ovmf/OVMF.fd\"]]; nothing for BIOS (Gen1)."
}

variable "package" {
  type        = string
  default     = "agentprep.deb"
  description = "The .deb, or the .rpm for the machine's release."
}

variable "ssh_username" {
  type    = string
  default = "admin"
}

variable "ssh_private_key_file" {
  type    = string
  default = "id_ed25519"
}

locals {
  # It verifies what the provisioner brought about, deprovisions, and powers off.
  shutdown_command = "sudo agentprep run --yes --poweroff"
  shutdown_timeout = "30m"
}

source "qemu" "guest" {
  iso_url              = var.disk
  iso_checksum         = "none"
  disk_image           = true
  qemuargs             = var.qemuargs
  headless             = true
  memory               = 2048
  cpus                 = 2
  net_device           = "virtio-net"
  disk_interface       = "virtio"
  format               = "qcow2"
  skip_compaction      = true
  output_directory     = "output/qemu"
  vm_name              = "guest.qcow2"
  ssh_username         = var.ssh_username
  ssh_private_key_file = var.ssh_private_key_file
  ssh_timeout          = "20m"
  shutdown_command     = local.shutdown_command
  shutdown_timeout     = local.shutdown_timeout
}

source "vmware-vmx" "guest" {
  source_path          = var.vmx
  headless             = true
  skip_compaction      = true
  output_directory     = "output/vmware"
  vm_name              = "guest"
  ssh_username         = var.ssh_username
  ssh_private_key_file = var.ssh_private_key_file
  ssh_timeout          = "20m"
  shutdown_command     = local.shutdown_command
  shutdown_timeout     = local.shutdown_timeout
}

build {
  sources = ["source.qemu.guest", "source.vmware-vmx.guest"]

  # The package keeps its ending: apt, dnf and zypper go by it.
  provisioner "file" {
    source      = var.package
    destination = "/tmp/${basename(var.package)}"
  }

  provisioner "shell" {
    execute_command  = "sudo env {{ .Vars }} sh '{{ .Path }}'"
    environment_vars = ["PACKAGE=/tmp/${basename(var.package)}", "REPORT=/tmp/agentprep.xml"]
    script           = "${path.root}/prepare.sh"
    timeout          = "1h"
  }

  provisioner "file" {
    direction   = "download"
    source      = "/tmp/agentprep.xml"
    destination = "output/agentprep.xml"
  }

  post-processor "shell-local" {
    inline = ["sh '${path.root}/convert.sh' output/qemu output/vmware output/azure.vhd"]
  }
}
