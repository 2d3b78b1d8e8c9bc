import pytest
import torch

from sklearn_metalabel.utils._device import resolve_device


def test_auto_takes_a_cuda_device_else_mps_else_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert resolve_device("auto") == torch.device("cpu")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert resolve_device("auto") == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto") == torch.device("cuda")


@pytest.mark.parametrize("device", ["cpu", "cpu:0", torch.device("cpu")])
def test_a_device_that_exists_is_kept(device):
    assert resolve_device(device) == torch.device(device)


@pytest.mark.parametrize("device", ["cuda:77", torch.device("cuda:77"), "banana", "", "cpu:one", None, 3.5])
def test_a_device_that_does_not_exist_is_named_with_those_that_do(device):
    with pytest.raises(ValueError, match=r"device=.* does not exist here; the devices found are \['cpu'.*\]"):
        resolve_device(device)
