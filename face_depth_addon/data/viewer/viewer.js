// SPDX-License-Identifier: GPL-3.0-or-later
// The viewer of a page that Face Depth writes. Nothing is fetched: the page holds its mesh,
// its photo and three.js in data blocks.
'use strict';

const FIELD_OF_VIEW = 26;
// Height of the picture at a distance of 1.
const SLOPE = 2 * Math.tan(FIELD_OF_VIEW * Math.PI / 360);
const MARGIN = 1.06;
const SIDE_VIEW = Math.PI / 4;
const FLIGHT_MS = 450;
const KEY_TURN = Math.PI / 24;
const KEY_ZOOM = 0.9;
const VIEWS = ['photo', 'clay', 'points', 'depth'];
// Points are thinned to this distance in CSS pixels, so that a dense cloud looks like one.
const POINT_DISTANCE = 2.4;
const WIRE_OPACITY = 0.07;
// Of points without colours.
const BARE = [210, 198, 186];
const NO_WEBGL =
  'This page needs WebGL 2 to show the mesh, and this browser does not offer it here: ' +
  'turn on hardware acceleration in its settings, or open the page in a current version of ' +
  'Chrome, Edge, Firefox or Safari.';
const NOT_OPENED =
  'The mesh cannot be opened: the file may be damaged, or this browser too old. ' +
  'A current version of Chrome, Edge, Firefox or Safari opens it.';

const SURFACE_VERTEX = `
  attribute vec3 shade;
  uniform vec2 depths;
  varying vec2 place;
  varying vec3 colour;
  varying float near;
  varying vec3 direction;
  void main() {
    place = uv;
    colour = shade;
    near = 1.0 - (depths.y - position.z) / max(depths.y - depths.x, 1e-6);
    direction = normalMatrix * normal;
    gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
  }`;
const SURFACE_FRAGMENT = `
  uniform sampler2D photo;
  uniform bool grey;
  varying vec2 place;
  varying vec3 colour;
  varying float near;
  varying vec3 direction;
  void main() {
    #ifdef PHOTO
      vec3 printed = texture2D(photo, place).rgb;
    #else
      vec3 printed = colour;
    #endif
    vec3 outside = grey ? vec3(mix(0.15, 1.0, near)) : printed;
    vec3 inside = vec3(0.16 + 0.3 * abs(normalize(direction).z));
    gl_FragColor = vec4(gl_FrontFacing ? outside : inside, 1.0);
  }`;
const POINT_VERTEX = `
  attribute vec3 shade;
  uniform sampler2D photo;
  uniform float level;
  uniform float diameter;
  varying vec3 colour;
  void main() {
    #ifdef PHOTO
      colour = textureLod(photo, uv, level).rgb;
    #else
      colour = shade;
    #endif
    gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
    gl_PointSize = max(diameter / gl_Position.w, 1.0);
  }`;
const POINT_FRAGMENT = `
  varying vec3 colour;
  void main() {
    if (distance(gl_PointCoord, vec2(0.5)) > 0.5) discard;
    gl_FragColor = vec4(colour, 1.0);
  }`;

const byId = (id) => document.getElementById(id);

/** Bytes of a base64 data block, which is then dropped from the page. */
function takeBytes(id) {
  const block = byId(id);
  const text = atob(block.textContent);
  block.remove();
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Define THREE; the page's policy knows the script by its hash. */
async function loadThree() {
  const script = document.createElement('script');
  script.textContent = new TextDecoder().decode(await inflate(takeBytes('three')));
  document.head.append(script);
}

/** Undo the differences and byte planes of core/web_page.py: whole numbers, row by row. */
function unpack(bytes, at, rows, columns, width) {
  const Kind = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array }[width];
  const values = new Kind(rows * columns);
  for (let column = 0; column < columns; column++) {
    let value = 0;
    for (let row = 0; row < rows; row++) {
      let step = 0;
      for (let plane = 0; plane < width; plane++) {
        step |= bytes[at + plane * rows + row] << (8 * plane);
      }
      value += (step >>> 1) ^ -(step & 1);
      values[row * columns + column] = value;
    }
    at += rows * width;
  }
  return values;
}

/** Each array of the page by name; those with a box as floats within it. */
async function loadArrays() {
  const layout = JSON.parse(byId('mesh').dataset.layout);
  const bytes = await inflate(takeBytes('mesh'));
  const arrays = {};
  let at = 0;
  for (const { name, rows, columns, width, low, step } of layout) {
    const values = unpack(bytes, at, rows, columns, width);
    at += rows * columns * width;
    arrays[name] = low
      ? Float32Array.from(values, (value, i) => low[i % columns] + step[i % columns] * value)
      : values;
  }
  return arrays;
}

/** Blender's axes to those of WebGL, where Y is up and the face looks to +Z; in place. */
function turnUpright(positions) {
  for (let i = 0; i < positions.length; i += 3) {
    const away = positions[i + 1];
    positions[i + 1] = positions[i + 2];
    positions[i + 2] = -away;
  }
}

/** Rows of an array and, behind them, those that are copied. */
function withCopies(values, size, copies) {
  const all = new values.constructor(values.length + size * copies.length);
  all.set(values);
  copies.forEach((row, i) => {
    all.set(values.subarray(size * row, size * (row + 1)), values.length + size * i);
  });
  return all;
}

/** Normals by the vertices alone: copies are where the texture, not the surface, has a seam. */
function smoothNormals(positions, faces, copies) {
  const count = positions.length / 3;
  const joined = new THREE.BufferGeometry();
  joined.setAttribute('position', new THREE.BufferAttribute(positions, 3));
  joined.setIndex(new THREE.BufferAttribute(
    faces.map((vertex) => (vertex < count ? vertex : copies[vertex - count])), 1));
  joined.computeVertexNormals();
  return joined.attributes.normal.array;
}

function buildGeometry({ positions, faces, copies, uvs, colours }) {
  turnUpright(positions);
  const geometry = new THREE.BufferGeometry();
  const add = (name, values, size, ...rest) =>
    geometry.setAttribute(name, new THREE.BufferAttribute(values, size, ...rest));
  add('position', withCopies(positions, 3, copies), 3);
  add('normal', withCopies(smoothNormals(positions, faces, copies), 3, copies), 3);
  if (uvs) {
    // The photo's first row is at its top, and bitmaps are not turned over for WebGL.
    for (let i = 1; i < uvs.length; i += 2) uvs[i] = 1 - uvs[i];
    add('uv', uvs, 2);
  } else {
    const bare = () => new Uint8Array(positions.length).map((_, i) => BARE[i % 3]);
    add('shade', colours ?? bare(), 3, true);
  }
  geometry.setIndex(new THREE.BufferAttribute(faces, 1));
  geometry.computeBoundingBox();
  return geometry;
}

/** A point's place on a curve that fills space, from its three coordinates of 10 bits each. */
function curvePlace(x, y, z) {
  let place = 0;
  for (let bit = 9; bit >= 0; bit--) {
    place = place << 3 | (x >> bit & 1) << 2 | (y >> bit & 1) << 1 | z >> bit & 1;
  }
  return place;
}

/** Indices of keys of up to 30 bits, least key first: numbers sort fastest without a function. */
function sortedBy(keys) {
  const room = 2 ** 23;
  const pairs = Float64Array.from(keys, (key, i) => key * room + i).sort();
  return Uint32Array.from(pairs, (pair) => pair % room);
}

/** The vertices in an order whose every beginning is spread evenly over the surface. */
function spreadOrder(positions, box) {
  const { x, y, z } = box.getSize(new THREE.Vector3());
  const scale = 1023 / Math.max(x, y, z);
  const { min } = box;
  const places = new Uint32Array(positions.length / 3);
  for (let i = 0; i < places.length; i++) {
    places[i] = curvePlace(
      (positions[3 * i] - min.x) * scale, (positions[3 * i + 1] - min.y) * scale,
      (positions[3 * i + 2] - min.z) * scale);
  }
  const turns = new Uint32Array(places.length);
  sortedBy(places).forEach((vertex, rank) => {
    turns[vertex] = rank * 0.6180339887498949 % 1 * 2 ** 30;
  });
  return sortedBy(turns);
}

/** Mean distance of so many points, from the surface's area. */
function meanDistance(geometry, count) {
  const { index, attributes: { position } } = geometry;
  const [a, b, c] = [new THREE.Vector3(), new THREE.Vector3(), new THREE.Vector3()];
  let area = 0;
  for (let i = 0; i < index.count; i += 3) {
    a.fromBufferAttribute(position, index.getX(i));
    b.fromBufferAttribute(position, index.getX(i + 1)).sub(a);
    c.fromBufferAttribute(position, index.getX(i + 2)).sub(a);
    area += b.cross(c).length() / 2;
  }
  return Math.sqrt(area / count);
}

/** The photo as a texture; null where the page holds none. */
async function loadPhoto() {
  const file = takeBytes('texture');
  if (!file.length) return null;
  const bitmap = await createImageBitmap(new Blob([file]));
  const photo = new THREE.Texture(bitmap);
  photo.flipY = false;
  photo.anisotropy = 8;
  photo.needsUpdate = true;
  return photo;
}

/** A material that knows the photo where there is one. */
function printedMaterial(photo, settings, uniforms) {
  return new THREE.ShaderMaterial({
    ...settings, defines: photo ? { PHOTO: '' } : {},
    uniforms: { photo: { value: photo }, ...uniforms },
  });
}

/** What the mesh is drawn with in each view that shows it. */
function buildMaterials(photo, { min, max }) {
  const side = THREE.DoubleSide;
  const printed = (grey) => printedMaterial(
    photo, { vertexShader: SURFACE_VERTEX, fragmentShader: SURFACE_FRAGMENT, side },
    { grey: { value: grey }, depths: { value: new THREE.Vector2(min.z, max.z) } });
  const clay = new THREE.MeshStandardMaterial({ color: 0xd2c6ba, roughness: 0.55, side });
  // By their faces alone, specks along the outline would be lit from behind.
  clay.onBeforeCompile = (shader) => {
    shader.fragmentShader = shader.fragmentShader.replace(
      '#include <normal_fragment_begin>',
      '#include <normal_fragment_begin>\nnormal = faceforward(normal, -vViewPosition, normal);');
  };
  const materials = { photo: printed(false), depth: printed(true), clay };
  // Pushed back a little, so that the wireframe lies on top.
  const back = { polygonOffset: true, polygonOffsetFactor: 1, polygonOffsetUnits: 1 };
  Object.values(materials).forEach((material) => Object.assign(material, back));
  return materials;
}

/** The edges of the mesh's polygons, without the diagonals of its triangles. */
function buildWire(geometry, sides) {
  const faces = geometry.index.array;
  const ends = new Uint32Array(2 * faces.length);
  let count = 0;
  for (let i = 0; i < faces.length; i++) {
    const [triangle, corner] = [Math.floor(i / 3), i % 3];
    if (!(sides[triangle] >> corner & 1)) continue;
    ends[count++] = faces[i];
    ends[count++] = faces[3 * triangle + (corner + 1) % 3];
  }
  const edges = new THREE.BufferGeometry();
  edges.setAttribute('position', geometry.attributes.position);
  edges.setIndex(new THREE.BufferAttribute(ends.slice(0, count), 1));
  return new THREE.LineSegments(edges, new THREE.LineBasicMaterial({
    color: 0x1b6fd0, transparent: true, depthWrite: false,
  }));
}

function buildPoints(geometry, photo, count) {
  const cloud = new THREE.BufferGeometry();
  for (const name of ['position', 'uv', 'shade']) {
    if (geometry.attributes[name]) cloud.setAttribute(name, geometry.attributes[name]);
  }
  const positions = geometry.attributes.position.array.subarray(0, 3 * count);
  const order = spreadOrder(positions, geometry.boundingBox);
  cloud.setIndex(new THREE.BufferAttribute(order, 1));
  const points = new THREE.Points(cloud, printedMaterial(
    photo, { vertexShader: POINT_VERTEX, fragmentShader: POINT_FRAGMENT },
    { diameter: { value: 1 }, level: { value: 0 } }));
  points.frustumCulled = false;
  return points;
}

/** Lights stay with the camera, so that no side of the clay is dark: key, fill and rim. */
function addLights(scene, camera) {
  const lights = [
    [[-0.75, 0.8, 0.75], 0xfff4e8, 2.6], [[0.9, 0.05, 0.5], 0xdfe9ff, 0.9],
    [[0.5, 0.7, -1.0], 0xffffff, 1.4],
  ];
  for (const [place, colour, intensity] of lights) {
    const light = new THREE.DirectionalLight(colour, intensity);
    light.position.set(...place);
    camera.add(light, light.target);
  }
  scene.add(camera, new THREE.HemisphereLight(0xf4f6ff, 0x6d6058, 0.85));
}

/** Some two thousand vertices, as seen from a centre. */
function sampleVertices({ attributes: { position } }, centre) {
  const stride = Math.ceil(position.count / 2000);
  return Array.from({ length: Math.ceil(position.count / stride) }, (_, i) =>
    new THREE.Vector3().fromBufferAttribute(position, i * stride).sub(centre));
}

/** Camera, controls, and flights to the views that have a button. */
class Eye {
  constructor(canvas, geometry, redraw) {
    this.centre = geometry.boundingBox.getCenter(new THREE.Vector3());
    this.outline = sampleVertices(geometry, this.centre);
    const size = geometry.boundingBox.getSize(new THREE.Vector3()).length() / 2;
    this.camera = new THREE.PerspectiveCamera(FIELD_OF_VIEW, 1, size / 50, 40 * size);
    this.camera.position.z = size;
    this.calm = matchMedia('(prefers-reduced-motion: reduce)');
    this.controls = new THREE.OrbitControls(this.camera, canvas);
    Object.assign(this.controls, {
      enableDamping: !this.calm.matches, dampingFactor: 0.12, zoomToCursor: true,
      minDistance: size / 8, maxDistance: 20 * size,
    });
    this.controls.addEventListener('change', redraw);
    this.controls.addEventListener('start', () => { this.flight = null; });
    this.redraw = redraw;
    this.flight = null;
  }

  get distance() {
    return this.camera.position.distanceTo(this.controls.target);
  }

  /** Angle around the vertical to which the camera has come or is flying. */
  get turn() {
    return this.flight ? this.flight.to.theta : this.controls.getAzimuthalAngle();
  }

  /** Where to look at from an angle, and from how far, for the mesh to fill the canvas. */
  framing(turn) {
    const [sine, cosine] = [Math.sin(turn), Math.cos(turn)];
    const across = this.outline.map(({ x, z }) => x * cosine - z * sine);
    const middle = (Math.min(...across) + Math.max(...across)) / 2;
    const slope = SLOPE / 2 / MARGIN;
    const distances = this.outline.map(({ x, y, z }, i) => {
      const wide = Math.abs(across[i] - middle) / this.camera.aspect;
      return Math.max(Math.abs(y), wide) / slope + x * sine + z * cosine;
    });
    const target = new THREE.Vector3(middle * cosine, 0, -middle * sine).add(this.centre);
    return { target, distance: Math.max(...distances) };
  }

  /** Fit a new shape of the canvas: what was in the picture stays in it. */
  reshape(aspect) {
    const { camera, controls: { target }, turn } = this;
    const before = this.framing(turn).distance;
    camera.aspect = aspect;
    camera.updateProjectionMatrix();
    if (this.flight) {
      this.goTo(turn, true);
    } else {
      const scale = this.framing(turn).distance / before;
      camera.position.sub(target).multiplyScalar(scale).add(target);
    }
  }

  /** Go to an angle around the vertical, at once or in a short flight. */
  goTo(turn, atOnce) {
    const { camera, controls } = this;
    // One update without damping uses up what is left of a drag's swing.
    controls.enableDamping = false;
    controls.update();
    controls.enableDamping = !this.calm.matches;
    const { target, distance } = this.framing(turn);
    this.flight = {
      begin: performance.now(),
      fromTarget: controls.target.clone(), toTarget: target,
      from: new THREE.Spherical().setFromVector3(camera.position.clone().sub(controls.target)),
      to: new THREE.Spherical(distance, Math.PI / 2, turn),
    };
    if (atOnce || this.calm.matches) this.advance(Infinity);
    this.redraw();
  }

  /** Move on to a moment; true while there is more to come. */
  advance(now) {
    if (!this.flight) return this.controls.update();
    const { begin, fromTarget, toTarget, from, to } = this.flight;
    const share = Math.min(Math.max((now - begin) / FLIGHT_MS, 0), 1);
    const eased = share * share * (3 - 2 * share);
    const place = new THREE.Spherical();
    for (const part of ['radius', 'phi', 'theta']) {
      place[part] = from[part] + (to[part] - from[part]) * eased;
    }
    this.controls.target.lerpVectors(fromTarget, toTarget, eased);
    this.camera.position.setFromSpherical(place).add(this.controls.target);
    this.camera.lookAt(this.controls.target);
    if (share === 1) this.flight = null;
    return true;
  }
}

/** The whole viewer: what is drawn, when, and from where. */
class Viewer {
  constructor(canvas, context, arrays, photo) {
    this.canvas = canvas;
    this.sides = arrays.sides;
    this.photo = photo;
    this.count = arrays.positions.length / 3;
    this.views = photo || arrays.colours ? VIEWS : VIEWS.slice(1);
    const geometry = buildGeometry(arrays);
    // A texture that goes all around a head goes on beyond its border at the seam.
    if (photo && arrays.uvs?.some((share) => share > 1.0005)) photo.wrapS = THREE.RepeatWrapping;
    this.geometry = geometry;
    this.renderer = new THREE.WebGLRenderer({ canvas, context, alpha: true });
    this.eye = new Eye(canvas, geometry, () => this.redraw());
    this.materials = buildMaterials(photo, geometry.boundingBox);
    this.mesh = new THREE.Mesh(geometry, this.materials.photo);
    this.scene = new THREE.Scene();
    this.scene.add(this.mesh);
    addLights(this.scene, this.eye.camera);
    this.spacing = meanDistance(geometry, this.count);
    this.pointSize = byId('size').valueAsNumber;
    this.wireframe = false;
    this.due = false;
    new ResizeObserver(() => this.resize()).observe(canvas);
    canvas.addEventListener('webglcontextrestored', () => this.redraw());
  }

  /** Show or hide the wireframe or the points, made when they are first shown. */
  reveal(name, visible, build) {
    if (visible && !this[name]) {
      this[name] = build();
      this.scene.add(this[name]);
    }
    if (this[name]) this[name].visible = visible;
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    this.renderer.setSize(width, height, false);
    this.eye.reshape(width / height);
    // At once: a canvas of a new size is empty.
    this.draw(performance.now());
  }

  redraw() {
    if (this.due) return;
    this.due = true;
    delete document.documentElement.dataset.drawn;
    requestAnimationFrame((now) => {
      this.due = false;
      this.draw(now);
    });
  }

  draw(now) {
    if (this.eye.advance(now)) this.redraw();
    if (this.view === 'points') this.thinPoints();
    if (this.wire) this.fadeWire();
    this.renderer.render(this.scene, this.eye.camera);
    if (!this.due) document.documentElement.dataset.drawn = this.view;
  }

  /** Mean distance of neighbours on the screen, in CSS pixels, as if seen square on. */
  get apart() {
    return this.spacing * this.canvas.clientHeight / (SLOPE * this.eye.distance);
  }

  /** Draw as many points as keep their distance on the screen: from near by, all of them. */
  thinPoints() {
    const { geometry, material } = this.points;
    const all = geometry.index.count;
    const share = Math.min((this.apart / POINT_DISTANCE) ** 2, 1);
    const count = Math.ceil(share * all);
    geometry.setDrawRange(0, count);
    if (this.photo) {
      const { width, height } = this.photo.image;
      material.uniforms.level.value = Math.max(0, Math.log2(width * height / count) / 2);
    }
    material.uniforms.diameter.value =
      this.pointSize * this.spacing / Math.sqrt(share) * this.canvas.height / SLOPE;
    byId('count').textContent = `${count.toLocaleString('en')} of ${all.toLocaleString('en')}`;
  }

  /** Edges closer than pixels tint the mesh instead of hiding it. */
  fadeWire() {
    this.wire.material.opacity = Math.min(WIRE_OPACITY * this.apart, 0.6);
  }

  show(view) {
    this.view = view;
    const solid = view !== 'points';
    this.mesh.visible = solid;
    if (solid) this.mesh.material = this.materials[view];
    this.reveal('points', !solid, () => buildPoints(this.geometry, this.photo, this.count));
    this.reveal('wire', solid && this.wireframe, () => buildWire(this.geometry, this.sides));
    byId('wireframe').disabled = !solid;
    byId('wireframe').setAttribute('aria-pressed', this.wireframe);
    document.querySelector(`[name=view][value=${view}]`).checked = true;
    for (const part of document.querySelectorAll('[data-for]')) {
      part.hidden = !part.dataset.for.split(' ').includes(view);
    }
    this.redraw();
  }

  toggleWireframe() {
    this.wireframe = !this.wireframe;
    this.show(this.view);
  }

  front() {
    this.eye.goTo(0);
  }

  /** From 45 degrees; from the other side if it is there already. */
  side() {
    this.eye.goTo(Math.abs(this.eye.turn + SIDE_VIEW) < 0.01 ? SIDE_VIEW : -SIDE_VIEW);
  }
}

function connectTools(viewer) {
  for (const choice of document.querySelectorAll('[name=view]')) {
    choice.parentElement.hidden = !viewer.views.includes(choice.value);
    choice.addEventListener('change', () => viewer.show(choice.value));
  }
  byId('wireframe').addEventListener('click', () => viewer.toggleWireframe());
  byId('front').addEventListener('click', () => viewer.front());
  byId('side').addEventListener('click', () => viewer.side());
  byId('size').addEventListener('input', (event) => {
    viewer.pointSize = event.target.valueAsNumber;
    viewer.redraw();
  });
  onDoubleTap(viewer.canvas, () => viewer.front());
}

/** Letters and digits work everywhere, the other keys while the canvas has the focus. */
function connectKeys(viewer) {
  const { canvas, eye: { controls } } = viewer;
  const everywhere = {
    f: () => viewer.front(), t: () => viewer.side(), w: () => byId('wireframe').click(),
  };
  for (const view of viewer.views) everywhere[VIEWS.indexOf(view) + 1] = () => viewer.show(view);
  const steer = (move) => () => {
    viewer.eye.flight = null;
    move();
  };
  const nearer = steer(() => controls.dollyIn(KEY_ZOOM));
  // The mesh turns the way that the same drag turns it: the camera goes the other way.
  const onCanvas = {
    Home: () => viewer.front(),
    '+': nearer, '=': nearer, '-': steer(() => controls.dollyOut(KEY_ZOOM)),
    ArrowLeft: steer(() => controls.rotateLeft(-KEY_TURN)),
    ArrowRight: steer(() => controls.rotateLeft(KEY_TURN)),
    ArrowUp: steer(() => controls.rotateUp(-KEY_TURN)),
    ArrowDown: steer(() => controls.rotateUp(KEY_TURN)),
  };
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = everywhere[event.key.toLowerCase()]
      ?? (event.target === canvas ? onCanvas[event.key] : undefined);
    if (!act) return;
    event.preventDefault();
    act();
  });
}

/** Two short taps or clicks at one place; not every browser calls two taps a double click. */
function onDoubleTap(element, act) {
  let down = null;
  let last = null;
  const apart = (a, b) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
  element.addEventListener('pointerdown', (event) => {
    down = event.isPrimary && event.button === 0 ? event : null;
  });
  element.addEventListener('pointerup', (event) => {
    if (!down || apart(event, down) > 8 || event.timeStamp - down.timeStamp > 300) {
      last = null;
    } else if (last && apart(event, last) < 24 && event.timeStamp - last.timeStamp < 400) {
      last = null;
      act();
    } else {
      last = event;
    }
  });
}

/** Start as the address asks, such as #view=depth&turn=45&wireframe. */
function startAsAsked(viewer) {
  const asked = new URLSearchParams(location.hash.slice(1));
  viewer.wireframe = asked.has('wireframe');
  const { views } = viewer;
  viewer.show(views.includes(asked.get('view')) ? asked.get('view') : views[0]);
  viewer.eye.goTo(Number(asked.get('turn')) * Math.PI / 180 || 0, true);
}

async function main(message) {
  message.textContent = 'Opening the mesh\u2026';
  const canvas = byId('canvas');
  const context = canvas.getContext('webgl2', { alpha: true, antialias: true });
  if (!context) {
    message.textContent = NO_WEBGL;
    return;
  }
  await loadThree();
  const viewer = new Viewer(canvas, context, await loadArrays(), await loadPhoto());
  connectTools(viewer);
  connectKeys(viewer);
  startAsAsked(viewer);
  byId('tools').hidden = false;
  message.remove();
}

main(byId('message')).catch((error) => {
  byId('message').textContent = NOT_OPENED;
  throw error;
});
