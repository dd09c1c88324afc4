"""Signed distances from points on a surface alone."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from inr.argument import check_positive
from inr.batch import SurfaceBatch
from inr.loss._targets import compares


@compares("surface", differentiates=True)
def siren_sdf(
    field: nn.Module,
    batch: SurfaceBatch,
    *,
    distance: float = 3e3,
    inter: float = 1e2,
    normal: float = 1e2,
    eikonal: float = 5e1,
    sharpness: float = 1e2,
    span: float = 2.0,
) -> Float[Tensor, ""]:
    r"""Mean violation of the properties of a signed distance whose zero level has given points.

    .. math::
        \frac{1}{n} \sum_i w_e \bigl| \|g_i\| - 1 \bigr| + s_i \bigl( w_d |f(x_i)| +
        w_n (1 - \cos(g_i, n_i)) \bigr) + (1 - s_i)\, w_i e^{-\alpha |f(x_i)|}, \quad
        g_i = \nabla f(x_i) / L

    with s = 1 on the surface and 0 elsewhere. On the surface, a signed distance is 0 and its
    gradient is the normal; elsewhere it is not 0; everywhere, its gradient has unit length.

    Args:
        field: Field to evaluate, ``(n, 3) -> (n, 1)``.
        batch: Points on the surface and elsewhere. A normal of zero is ignored.
        distance: Weight w_d of the value on the surface.
        inter: Weight w_i of a value near 0 away from the surface.
        normal: Weight w_n of the angle to the normal.
        eikonal: Weight w_e of the difference between the gradient's length and 1.
        sharpness: α, the reciprocal of the distance that counts as near.
        span: L, the edge of the cube in the field's units of length. The paper's cube extends from
            -1 to 1.

    References:
        Sitzmann et al. 2020, "Implicit Neural Representations with Periodic Activation
        Functions", eq. 6 and the supplement's section on signed distances for the weights.
    """
    weights = {"distance": distance, "inter": inter, "normal": normal, "eikonal": eikonal}
    for name, weight in weights.items():
        check_positive(name, weight, zero=True)
    check_positive("sharpness", sharpness)
    check_positive("span", span)
    # Gradients are needed even where the caller switched them off to measure the loss.
    with torch.enable_grad():
        coords = batch.coords.detach().requires_grad_()
        values = field(coords)
        (slopes,) = torch.autograd.grad(values.sum(), coords, create_graph=True)
    slopes, on_surface, size = slopes / span, batch.values, values.abs()
    angle = 1 - functional.cosine_similarity(slopes, batch.normals, dim=-1)[:, None]
    has_normal = batch.normals.any(dim=-1, keepdim=True)
    terms = (
        eikonal * (slopes.norm(dim=-1, keepdim=True) - 1).abs()
        + on_surface * (distance * size + normal * has_normal * angle)
        + (1 - on_surface) * inter * torch.exp(-sharpness * size)
    )
    return terms.mean()
