# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that make and clean point clouds, and make meshes of them."""

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty

from ...core.errors import FaceDepthError
from ..polls import poll_object_mode, refuse
from .cloud_targets import (
    LENGTH,
    RADIUS,
    hide,
    poll_cloud,
    poll_own_cloud,
    show_colours,
)
from .ops_cloud_file import CLASSES as FILE_CLASSES


class FACEDEPTH_OT_make_cloud(bpy.types.Operator):
    """Make a coloured point cloud of the active mesh"""

    bl_idname = "face_depth.make_cloud"
    bl_label = "Make Point Cloud"
    bl_options = {'REGISTER', 'UNDO'}

    source: EnumProperty(
        name="Source", description="What becomes points",
        items=(
            ('MESH', "Mesh", "Its vertices as they are seen, with all that was done to them"),
            (
                'DEPTH', "Depth",
                "A point for each pixel of the photo, from the depth that the mesh keeps, by its "
                "sliders but without what was sculpted",
            ),
        ),
    )
    voxel_size: FloatProperty(
        name="Voxel Size", default=0.0, soft_max=0.02,
        description="Leave one point in each cube of this size; 0 keeps all", **LENGTH,
    )
    radius: FloatProperty(**RADIUS)
    hide_source: BoolProperty(
        name="Hide Mesh", default=True,
        description="Hide the mesh, which would lie among the points, in viewport and renders",
    )

    @classmethod
    def poll(cls, context):
        from .cloud_object import is_cloud

        if not poll_object_mode(cls, context):
            return False
        if is_cloud(context.active_object.data):
            return refuse(cls, "This is a point cloud already")
        return True

    def execute(self, context):
        from ...core.cloud.pointcloud import voxel_downsample
        from .cloud_object import add_cloud, cloud_of

        item = context.active_object
        try:
            cloud = cloud_of(context, item, self.source)
            if self.voxel_size:
                cloud = voxel_downsample(cloud, self.voxel_size)
            add_cloud(context, f"{item.name} points", cloud, item.matrix_world, self.radius)
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        if self.hide_source:
            hide(item)
        show_colours(context)
        self.report({'INFO'}, f"{len(cloud.positions):,} points")
        return {'FINISHED'}


class FACEDEPTH_OT_thin_cloud(bpy.types.Operator):
    """Even out the density of the active point cloud"""

    bl_idname = "face_depth.thin_cloud"
    bl_label = "Thin Out Points"
    bl_description = (
        "Leave one point in each cube of a grid, on the selected points or, without any, on all"
    )
    bl_options = {'REGISTER', 'UNDO'}

    voxel_size: FloatProperty(
        name="Voxel Size", default=0.001, soft_max=0.02,
        description="Side of the cubes, in each of which one point is left: the mean of all there",
        **(LENGTH | {"min": 1e-6}),
    )

    @classmethod
    def poll(cls, context):
        return poll_own_cloud(cls, context)

    def execute(self, context):
        from .cloud_edit import thin

        return _clean(self, context, lambda mesh: thin(mesh, self.voxel_size))


class FACEDEPTH_OT_remove_outliers(bpy.types.Operator):
    """Remove stray points from the active point cloud"""

    bl_idname = "face_depth.remove_outliers"
    bl_label = "Remove Outliers"
    bl_description = (
        "Remove points that float apart, among the selected points or, without any, among all"
    )
    bl_options = {'REGISTER', 'UNDO'}

    method: EnumProperty(
        name="Method", description="Which points count as apart",
        items=(
            ('RADIUS', "Radius", "Those with too few others within a radius"),
            (
                'STATISTICAL', "Statistical",
                "Those farther from their neighbours than is usual in this cloud: also the "
                "sparse ones of steep places",
            ),
        ),
    )
    neighbours: IntProperty(
        name="Neighbours", default=20, min=2, soft_max=100, max=1000,
        description="How many nearest points, the point itself included, tell how far it is apart",
    )
    ratio: FloatProperty(
        name="Ratio", default=3.0, min=0.01, soft_max=5.0,
        description="How many standard deviations farther than the mean of all points a point may "
        "be: with less, more points go",
    )
    radius: FloatProperty(
        name="Radius", default=0.0, soft_max=0.02,
        description="Within which a point must have others; 0 takes five times the points' spacing",
        **LENGTH,
    )
    least: IntProperty(
        name="Least", default=5, min=1, soft_max=50, max=1000,
        description="How many other points must lie within the radius",
    )

    @classmethod
    def poll(cls, context):
        return poll_own_cloud(cls, context)

    def execute(self, context):
        from .cloud_edit import remove_sparse, remove_statistical

        if self.method == 'STATISTICAL':
            return _clean(
                self, context, lambda mesh: remove_statistical(mesh, self.neighbours, self.ratio)
            )
        return _clean(self, context, lambda mesh: remove_sparse(mesh, self.radius, self.least))

    def draw(self, context):
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "method")
        names = ("neighbours", "ratio") if self.method == 'STATISTICAL' else ("radius", "least")
        for name in names:
            layout.prop(self, name)


def _clean(operator: bpy.types.Operator, context: bpy.types.Context, remove) -> set[str]:
    """Run ``remove(mesh)`` on the active cloud and tell how many points it took."""
    mesh = context.active_object.data
    before = len(mesh.vertices)
    try:
        gone = remove(mesh)
    except FaceDepthError as error:
        operator.report({'ERROR'}, str(error))
        return {'CANCELLED'}
    operator.report({'INFO'}, f"Removed {gone:,} of {before:,} points")
    return {'FINISHED'}


class FACEDEPTH_OT_smooth_cloud(bpy.types.Operator):
    """Even out noise in the active point cloud"""

    bl_idname = "face_depth.smooth_cloud"
    bl_label = "Smooth Points"
    bl_description = (
        "Even out noise across the surface that the points make, on the selected points or, "
        "without any, on all"
    )
    bl_options = {'REGISTER', 'UNDO'}

    width: FloatProperty(
        name="Width", default=0.001, soft_max=0.01,
        description="Standard deviation of the Gaussian: details smaller than this go",
        **(LENGTH | {"min": 1e-6}),
    )

    @classmethod
    def poll(cls, context):
        return poll_own_cloud(cls, context)

    def execute(self, context):
        from .cloud_edit import smooth_points

        try:
            way = smooth_points(context.active_object.data, self.width)
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        self.report({'INFO'}, f"The points moved by {1000.0 * way:.3f} mm in the mean")
        return {'FINISHED'}


class FACEDEPTH_OT_cloud_to_mesh(bpy.types.Operator):
    """Make a mesh through the points of the active point cloud, in their colours"""

    bl_idname = "face_depth.cloud_to_mesh"
    bl_label = "Mesh from Points"
    bl_options = {'REGISTER', 'UNDO'}

    method: EnumProperty(
        name="Method", description="How the surface is found",
        items=(
            ('LOCAL', "Local", "Fits the points around each place; small gaps are closed"),
            (
                'POISSON', "Poisson",
                "Fits all points at once, and closes wider gaps. Needs the package Open3D, "
                "without which Local is used",
            ),
        ),
        default='POISSON',
    )
    size: FloatProperty(
        name="Face Size", default=0.0, soft_max=0.02,
        description="0 takes one that suits the points' spacing; larger faces even out noise",
        **LENGTH,
    )
    facing: EnumProperty(
        name="Outside",
        items=(
            ('FRONT', "Front", "The outside is towards -Y, as of a relief"),
            ('OUTWARDS', "All Round", "The outside is away from the middle, as of a whole head"),
        ),
        description="Only for clouds without normals",
    )
    hide_source: BoolProperty(
        name="Hide Points", default=True,
        description="Hide the points, which would lie on the mesh, in viewport and renders",
    )

    @classmethod
    def poll(cls, context):
        return poll_cloud(cls, context)

    def execute(self, context):
        from ...core.cloud.poisson import has_open3d
        from .cloud_mesh import cloud_to_mesh

        item = context.active_object
        method = self.method if has_open3d() else 'LOCAL'
        try:
            made, size = cloud_to_mesh(context, item, self.size, method, self.facing)
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        if self.hide_source:
            hide(item)
        show_colours(context)
        text = f"{len(made.data.polygons):,} faces of {1000.0 * size:.2f} mm"
        if method != self.method:
            text += ", by Local, because Open3D is not installed"
        self.report({'INFO'}, text)
        return {'FINISHED'}


CLASSES = (
    FACEDEPTH_OT_make_cloud,
    FACEDEPTH_OT_thin_cloud,
    FACEDEPTH_OT_remove_outliers,
    FACEDEPTH_OT_smooth_cloud,
    FACEDEPTH_OT_cloud_to_mesh,
    *FILE_CLASSES,
)
