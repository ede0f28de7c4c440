# SPDX-License-Identifier: GPL-3.0-or-later
"""German."""

MESSAGES = {
    ", cut at {angle:.0f}°": ", aufgeschnitten ab {angle:.0f}°",
    ", {distance:.1f} mm from the others": ", {distance:.1f} mm von den anderen",
    "0 takes one that suits the points' spacing; larger faces even out noise":
        "0 nimmt eine, die zum Abstand der Punkte passt; größere Flächen gleichen Rauschen aus",
    "16 bits that hold larger values, and are coarser":
        "16 Bit, die größere Werte fassen und gröber sind",
    "16 bits, with the range and scale noted inside":
        "16 Bit, Wertebereich und Maßstab sind in der Datei vermerkt",
    "16 bits: half the memory, and less time on graphics cards":
        "16 Bit: halb so viel Speicher und weniger Zeit auf Grafikkarten",
    "32 bits: the most exact": "32 Bit: am genauesten",
    "3D Print": "3D-Druck",
    "3MF": "3MF",
    "468 points of the face, in the photo and on the mesh, as JSON":
        "468 Punkte des Gesichts, im Foto und auf dem Mesh, als JSON",
    "A depth model that ends in .onnx": "Ein Tiefenmodell, dessen Name auf .onnx endet",
    "A disc around the relief": "Eine Scheibe um das Relief",
    "A download that is stopped goes on there the next time.":
        "Ein abgebrochener Download geht beim nächsten Mal dort weiter.",
    "A fifth of the size of Face DPT and quicker, but coarser":
        "Ein Fünftel so groß wie Face DPT und schneller, aber gröber",
    "A grid in small holes, an even surface in large ones":
        "Ein Raster in kleinen Löchern, eine gleichmäßige Oberfläche in großen",
    "A head with a rounded back that stands, hollow inside":
        "Ein Kopf mit gerundeter Rückseite, der steht und innen hohl ist",
    "A model exported to ONNX; needs onnxruntime":
        "Ein nach ONNX exportiertes Modell; braucht onnxruntime",
    "A model in the format of transformers or diffusers":
        "Ein Modell im Format von transformers oder diffusers",
    "A point for each pixel of the photo, from the depth that the mesh keeps, by its sliders but "
    "without what was sculpted":
        "Ein Punkt für jedes Pixel des Fotos, aus der Tiefe, die das Mesh bewahrt, nach dessen "
        "Reglern, aber ohne das Modellierte",
    "A shallow relief on a plate, as on a medal":
        "Ein flaches Relief auf einer Platte, wie auf einer Medaille",
    "A smooth surface through 468 landmarks, without PyTorch":
        "Eine glatte Oberfläche durch 468 Gesichtspunkte, ohne PyTorch",
    "A watertight copy for a 3D printer": "Eine wasserdichte Kopie für einen 3D-Drucker",
    "A {job} is running: press Esc to cancel it": "Läuft gerade: {job} – mit Esc abbrechen",
    "About how many faces the mesh is to have": "Wie viele Flächen das Mesh ungefähr haben soll",
    "Active Photo": "Aktives Foto",
    "Adaptive": "Adaptiv",
    "Add 55 shape keys with the template's expressions, named as in ARKit":
        "55 Formschlüssel mit den Gesichtsausdrücken der Vorlage hinzufügen, benannt wie in ARKit",
    "Add Detail": "Detail hinzufügen",
    "Add Image": "Bild hinzufügen",
    "Add Photos": "Fotos hinzufügen",
    "Add a whole head with clean face loops in the shape and colours of the photo's face":
        "Einen ganzen Kopf mit sauberen Flächenschleifen in Form und Farben des Gesichts im Foto "
        "hinzufügen",
    "Add an object in which a turned head also has the side that the photo hides":
        "Ein Objekt hinzufügen, in dem ein gedrehter Kopf auch die Seite hat, die das Foto "
        "verbirgt",
    "Add detail first": "Zuerst Detail hinzufügen",
    "Add photos or videos of one person to the list":
        "Fotos oder Videos einer Person zur Liste hinzufügen",
    "Add two to {count} photos of one person, from different sides, or a video, for one head; or "
    "any photos, for a mesh each":
        "Zwei bis {count} Fotos einer Person von verschiedenen Seiten oder ein Video hinzufügen, "
        "für einen Kopf; oder beliebige Fotos, für je ein Mesh",
    "Aligning the surfaces": "Oberflächen werden ausgerichtet",
    "All Round": "Ringsum",
    "All of the person that the photo shows": "Alles, was das Foto von der Person zeigt",
    "Allow Online Access in Blender's preferences, under System, first":
        "Zuerst in Blenders Einstellungen unter „System“ den Online-Zugriff (Allow Online "
        "Access) erlauben",
    "Along the camera's axis: a face beside the photo's middle is turned as it was":
        "Entlang der Kameraachse: Ein Gesicht neben der Bildmitte ist so gedreht, wie es war",
    "Along the camera's rays: the true shape, if the distance is right":
        "Entlang der Kamerastrahlen: die wahre Form, wenn der Abstand stimmt",
    "Along the picture's longest side": "Entlang der längsten Bildseite",
    "An Apple graphics processor": "Ein Grafikprozessor von Apple",
    "An NVIDIA graphics card": "Eine Grafikkarte von NVIDIA",
    "An image of this file": "Ein Bild dieser Datei",
    "An image of this file, or one opened from disk":
        "Ein Bild dieser Datei oder eines, das vom Datenträger geöffnet wird",
    "An image that holds the normals of this face":
        "Ein Bild, das die Normalen dieses Gesichts enthält",
    "Any object": "Beliebige Motive",
    "Any object with fine detail, in one step":
        "Beliebige Motive mit feinem Detail, in einem Schritt",
    "Any object with finer edges": "Beliebige Motive mit feineren Kanten",
    "Any object with finer edges; start here for things that are no face":
        "Beliebige Motive mit feineren Kanten; für alles, was kein Gesicht ist, hiermit beginnen",
    "Any object with the finest detail, in four steps":
        "Beliebige Motive mit feinstem Detail, in vier Schritten",
    "Any object with the finest edges of its kind":
        "Beliebige Motive mit den feinsten Kanten ihrer Art",
    "Any object, quick": "Beliebige Motive, schnell",
    "Any object, the best of the first series": "Beliebige Motive, das beste der ersten Reihe",
    "Any object, without PyTorch": "Beliebige Motive, ohne PyTorch",
    "Apply": "Anwenden",
    "Apply Painting": "Bemalung anwenden",
    "Apply Preset": "Voreinstellung anwenden",
    "Arrange": "Anordnen",
    "As DPT Large at a third of its size": "Wie DPT Large bei einem Drittel der Größe",
    "As It Prints Best": "Druckgünstig",
    "As fine as most photos": "So fein wie die meisten Fotos",
    "As from depth cameras": "Wie von Tiefenkameras",
    "As from renderers": "Wie von Renderern",
    "As in .npy files of Face Depth, where near is white":
        "Wie in .npy-Dateien von Face Depth, in denen Nahes weiß ist",
    "As in the scene": "Wie in der Szene",
    "As the photo says, or else the camera stood 80 cm away":
        "Wie es das Foto angibt, sonst stand die Kamera 80 cm entfernt",
    "As wide as the relief needs": "So breit, wie es das Relief braucht",
    "Assumed": "Angenommen",
    "At half, fine detail of the depth is gone; at full, all but its broad form":
        "Auf halbem Weg fehlt feines Detail der Tiefe, bei voller Glättung bleibt nur ihre grobe "
        "Form",
    "Automatic": "Automatisch",
    "Background Plane": "Hintergrundebene",
    "Bake": "Backen",
    "Bake Detail": "Detail backen",
    "Base Thickness": "Grunddicke",
    "Bends the depth: above 1 flattens what is far": "Krümmt die Tiefe: Über 1 flacht Fernes ab",
    "Bfloat16": "Bfloat16",
    "Bilateral": "Bilateral",
    "Binary, for any slicer": "Binär, für jeden Slicer",
    "Black": "Schwarz",
    "Blender's own": "Blenders eigener",
    "Blending the colours": "Farben werden überblendet",
    "Border": "Rand",
    "Both": "Beides",
    "Bring all sliders back to what the photo says; projection, size and edits stay":
        "Alle Regler auf das zurücksetzen, was das Foto vorgibt; Projektion, Größe und "
        "Bearbeitungen bleiben",
    "Brings the right side of the picture nearer": "Bringt die rechte Seite des Bildes näher",
    "Brings the top of the picture nearer": "Bringt den oberen Teil des Bildes näher",
    "Budget": "Budget",
    "Build Faces Anew": "Flächen neu aufbauen",
    "Build the mesh anew from its stored depth. Shape keys, materials, modifiers and what was "
    "sculpted stay; vertex groups become empty":
        "Das Mesh aus seiner gespeicherten Tiefe neu aufbauen. Formschlüssel, Materialien, "
        "Modifikatoren und Modelliertes bleiben; Vertexgruppen werden leer",
    "Building the mesh": "Mesh wird aufgebaut",
    "By landmarks": "Nach Gesichtspunkten",
    "CPU": "CPU",
    "CUDA": "CUDA",
    "Cancel": "Abbrechen",
    "Cap": "Obergrenze",
    "Checked": "Geprüft",
    "Choose it above": "Oben auswählen",
    "Clean Up": "Aufräumen",
    "Clean Up Relief": "Relief aufräumen",
    "Clear Photos": "Fotoliste leeren",
    "Close holes, but not the outer border": "Löcher schließen, aber nicht den äußeren Rand",
    "Close holes, but not the outer border, with a surface that carries on the one around":
        "Löcher, aber nicht den äußeren Rand, mit einer Oberfläche schließen, die die umgebende "
        "fortsetzt",
    "Close the neck, as printers and simulations need it":
        "Den Hals schließen, wie Drucker und Simulationen es brauchen",
    "Collecting the points": "Punkte werden gesammelt",
    "Collections": "Sammlungen",
    "Coloured points, their cleaning, and a surface from them":
        "Farbige Punkte, ihre Bereinigung und eine Oberfläche aus ihnen",
    "Comes with Face Depth": "In Face Depth enthalten",
    "Compare": "Vergleichen",
    "Compare Models": "Modelle vergleichen",
    "Comparing the photos": "Fotos werden verglichen",
    "Comparing the photos in detail": "Fotos werden im Detail verglichen",
    "Complete Head": "Kopf vervollständigen",
    "Copy Report": "Bericht kopieren",
    "Copy versions, settings, the self-check and the last errors, without your name":
        "Versionen, Einstellungen, Selbsttest und die letzten Fehler kopieren, ohne den eigenen "
        "Namen",
    "Correcting poses and depths": "Posen und Tiefen werden korrigiert",
    "Crossing": "Durchdringungen",
    "Cut": "Aufschneiden",
    "Cut Stretched Faces": "Gestreckte Flächen entfernen",
    "Cut off what is farther than this share of the depth":
        "Abschneiden, was ferner ist als dieser Anteil der Tiefe",
    "Cut off what is nearer than this share of the depth":
        "Abschneiden, was näher ist als dieser Anteil der Tiefe",
    "Cut out the person, and scale depth without a unit by the face's landmarks":
        "Die Person freistellen und Tiefe ohne Einheit nach den Gesichtspunkten skalieren",
    "Cut the mesh open where depth jumps, as from jaw to neck":
        "Das Mesh aufschneiden, wo die Tiefe springt, etwa vom Kiefer zum Hals",
    "Decimate": "Dezimieren",
    "Delete Faces": "Flächen löschen",
    "Delete Loose": "Loses löschen",
    "Delete faces seen nearly edge-on from the front, as between face and ear":
        "Flächen löschen, die von vorn fast nur als Kante zu sehen sind, etwa zwischen Gesicht "
        "und Ohr",
    "Delete faces seen nearly edge-on from the front, as between face and ear; at first not of a "
    "whole head, which is steep all round":
        "Flächen löschen, die von vorn fast nur als Kante zu sehen sind, etwa zwischen Gesicht "
        "und Ohr; zunächst nicht bei einem ganzen Kopf, der ringsum steil ist",
    "Delete small separate parts": "Kleine abgetrennte Teile löschen",
    "Delete the faces that are too many at an edge, instead of detaching them":
        "Die überzähligen Flächen an einer Kante löschen, statt sie abzulösen",
    "Delete vertices and edges without faces": "Vertices und Kanten ohne Flächen löschen",
    "Dense at eyes, nose and mouth, coarse elsewhere": "Dicht an Augen, Nase und Mund, sonst grob",
    "Depth": "Tiefe",
    "Depth In and Out": "Tiefe: Ein- und Ausgabe",
    "Detail": "Detail",
    "Device": "Gerät",
    "Diameter of the hole in the floor; smaller where there is no room":
        "Durchmesser des Lochs im Boden; kleiner, wo kein Platz ist",
    "Disparity": "Disparität",
    "Displace the mesh by the fine relief that its photo or a normal map shows":
        "Das Mesh um das feine Relief verschieben, das sein Foto oder eine Normalmap zeigt",
    "Displace the mesh by what was painted on its depth and matte; sculpted edits stay":
        "Das Mesh um das verschieben, was auf seine Tiefe und Maske gemalt wurde; Modelliertes "
        "bleibt",
    "Distance": "Abstand",
    "Distance between the points of the surface": "Abstand zwischen den Punkten der Oberfläche",
    "Distance between the surfaces": "Abstand zwischen den Oberflächen",
    "Do not look for a face: any object will do":
        "Nicht nach einem Gesicht suchen: Jedes Motiv ist recht",
    "Do not move the vertices of open borders": "Die Vertices offener Ränder nicht bewegen",
    "Doubles": "Doppelte",
    "Down": "Nach unten",
    "Download": "Herunterladen",
    "Download Model": "Modell herunterladen",
    "Download {model}?": "{model} herunterladen?",
    "Downloaded": "Heruntergeladen",
    "Drop Islands": "Inseln entfernen",
    "Each into a collection of its own, at the 3D cursor":
        "Jedes in eine eigene Sammlung, am 3D-Cursor",
    "Editor": "Editor",
    "Ensemble": "Mittelung",
    "Estimating depth": "Tiefe wird geschätzt",
    "Even Grid": "Gleichmäßiges Raster",
    "Even out all that is fine, keep the volume": "Alles Feine ausgleichen, das Volumen erhalten",
    "Even out everything, features too; the mesh shrinks":
        "Alles ausgleichen, auch Gesichtszüge; das Mesh schrumpft",
    "Even out noise across the surface that the points make, on the selected points or, without "
    "any, on all":
        "Rauschen quer zur Oberfläche ausgleichen, die die Punkte bilden, an den ausgewählten "
        "Punkten oder, ohne Auswahl, an allen",
    "Even out noise and keep nose, lips and eyelids":
        "Rauschen ausgleichen und Nase, Lippen und Augenlider erhalten",
    "Even out noise, keep the volume and most of the shape":
        "Rauschen ausgleichen, das Volumen und das meiste der Form erhalten",
    "Even out noise, on the selected vertices or, without any, on the whole mesh":
        "Rauschen ausgleichen, an den ausgewählten Vertices oder, ohne Auswahl, am ganzen Mesh",
    "Even out ragged open borders along themselves, of the selected vertices or, without any, of "
    "the whole mesh":
        "Ausgefranste offene Ränder in ihrem Verlauf ausgleichen, an den ausgewählten Vertices "
        "oder, ohne Auswahl, am ganzen Mesh",
    "Even out the terraces of a map of 8 bits, within half a level":
        "Die Terrassen einer Karte mit 8 Bit ausgleichen, innerhalb einer halben Stufe",
    "Even triangles as fine as the mesh around":
        "Gleichmäßige Dreiecke, so fein wie das Mesh ringsum",
    "Exact floats in photo pixels": "Genaue Gleitkommazahlen in Fotopixeln",
    "Exact floats in photo pixels, for Python": "Genaue Gleitkommazahlen in Fotopixeln, für Python",
    "Export": "Exportieren",
    "Export Depth Map": "Tiefenkarte exportieren",
    "Export Maps": "Karten exportieren",
    "Export Point Cloud": "Punktwolke exportieren",
    "Export Web Page": "Webseite exportieren",
    "Export for Printing": "Zum Drucken exportieren",
    "Expression Keys": "Ausdrucks-Formschlüssel",
    "Face": "Gesicht",
    "Face DPT's form with Marigold's folds and wrinkles":
        "Die Form von Face DPT mit den Falten und Fältchen von Marigold",
    "Face Size": "Flächengröße",
    "Faces": "Flächen",
    "Faces of the fillings; all carry on the curvature around the hole":
        "Flächen der Füllungen; alle setzen die Krümmung um das Loch fort",
    "Factor on the detail": "Faktor für das Detail",
    "Factor on the detail that was added; 0 leaves it out":
        "Faktor für das hinzugefügte Detail; 0 lässt es weg",
    "Factor on the detail; the mesh keeps it as a slider":
        "Faktor für das Detail; das Mesh behält ihn als Regler",
    "Factor on the relief; 1 is true to the photo": "Faktor für das Relief; 1 ist dem Foto getreu",
    "Failed": "Fehlgeschlagen",
    "Fan": "Fächer",
    "Far": "Fern",
    "Fast": "Schnell",
    "Feather": "Weicher Rand",
    "Fetch the chosen model from the network": "Das gewählte Modell aus dem Netz holen",
    "Field of View": "Bildwinkel",
    "File": "Datei",
    "Fill Holes": "Löcher füllen",
    "Fill With": "Füllen mit",
    "Find the Face": "Gesicht suchen",
    "Finding the face": "Gesicht wird gesucht",
    "Fit to Face": "An Gesicht anpassen",
    "Fits all points at once, and closes wider gaps. Needs the package Open3D, without which "
    "Local is used":
        "Passt sich allen Punkten auf einmal an und schließt weitere Lücken. Braucht das Paket "
        "Open3D, ohne das „Lokal“ verwendet wird",
    "Fits the points around each place; small gaps are closed":
        "Passt sich an jeder Stelle den Punkten ringsum an; kleine Lücken werden geschlossen",
    "Fix Non-Manifold": "Nicht-Mannigfaltiges reparieren",
    "Flat as a medal and finely divided. When it is there, Make under 3D Print gives it a plate":
        "Flach wie eine Medaille und fein unterteilt. Ist es da, gibt „Erstellen“ unter "
        "„3D-Druck“ ihm eine Platte",
    "Flipped": "Umgedrehte",
    "Focal Length": "Brennweite",
    "Folder": "Ordner",
    "Folder of Models": "Ordner der Modelle",
    "Folds": "Falten",
    "Folds and wrinkles": "Falten und Fältchen",
    "For Anything": "Für alles",
    "For Faces": "Für Gesichter",
    "For a face that fills a large photo": "Für ein Gesicht, das ein großes Foto füllt",
    "For a picture of 36 x 24 mm": "Für ein Bild von 36 × 24 mm",
    "For a small picture, or to try": "Für ein kleines Bild oder zum Ausprobieren",
    "For faces that fill large photos": "Für Gesichter, die große Fotos füllen",
    "For what": "Wofür",
    "Form of the plate": "Form der Platte",
    "Format": "Format",
    "Forms wider than this stay those of the depth":
        "Formen, die breiter sind, bleiben die der Tiefe",
    "Four times the vertices. When it is there, Add Detail brings out the pores":
        "Viermal so viele Vertices. Ist das Mesh da, bringt „Detail hinzufügen“ die Poren hervor",
    "Free width around the relief": "Freie Breite um das Relief",
    "From": "Aus",
    "From EXIF": "Aus EXIF",
    "From the camera to the eyes, for the perspectives":
        "Von der Kamera bis zu den Augen, für die Perspektiven",
    "From the face's landmarks alone, coarsely divided: works without PyTorch, in less than half "
    "the time":
        "Nur aus den Gesichtspunkten, grob unterteilt: arbeitet ohne PyTorch, in weniger als der "
        "halben Zeit",
    "From the nearest to the farthest point, for values without a unit; 0 goes by the face or, "
    "without one, by the picture's width":
        "Vom nächsten bis zum fernsten Punkt, für Werte ohne Einheit; 0 richtet sich nach dem "
        "Gesicht oder, ohne eines, nach der Bildbreite",
    "Front": "Vorne",
    "Fuse Photos": "Fotos verschmelzen",
    "Fused": "Verschmolzen",
    "Gamma": "Gamma",
    "Give the active mesh new faces: quads of even size that follow its form":
        "Dem aktiven Mesh neue Flächen geben: gleich große Vierecke, die seiner Form folgen",
    "Give the mesh an even grid, dense enough to show the detail":
        "Dem Mesh ein gleichmäßiges Raster geben, dicht genug, um das Detail zu zeigen",
    "Green": "Grün",
    "Green is light where the surface looks down, as in DirectX":
        "Grün ist hell, wo die Oberfläche nach unten weist, wie in DirectX",
    "Green is light where the surface looks up, as in Blender":
        "Grün ist hell, wo die Oberfläche nach oben weist, wie in Blender",
    "Grid": "Raster",
    "HC": "HC",
    "Hair and edges, in metres, of large photos": "Haare und Kanten großer Fotos, in Metern",
    "Half": "Halb",
    "Half precision on graphics cards, single on the processor":
        "Halbe Genauigkeit auf Grafikkarten, einfache auf dem Prozessor",
    "Have the first material of the mesh use it":
        "Die Normalmap im ersten Material des Meshs verwenden",
    "Head": "Kopf",
    "Head and Shoulders": "Kopf und Schultern",
    "Head and shoulders as the photo shows them, to look at and to sculpt on":
        "Kopf und Schultern, wie das Foto sie zeigt, zum Ansehen und Weitermodellieren",
    "Height of the relief above the plate": "Höhe des Reliefs über der Platte",
    "Height of the whole": "Höhe des Ganzen",
    "Height that detail from shading does not reach":
        "Höhe, die Detail aus der Schattierung nicht erreicht",
    "Hide Mesh": "Mesh verbergen",
    "Hide Original": "Original verbergen",
    "Hide Points": "Punkte verbergen",
    "Hide the mesh it is made from; it keeps its sliders and edits":
        "Das Mesh verbergen, aus dem es entsteht; es behält seine Regler und Bearbeitungen",
    "Hide the mesh, which would lie among the points, in viewport and renders":
        "Das Mesh, das zwischen den Punkten läge, im Ansichtsfenster und beim Rendern verbergen",
    "Hide the points, which would lie on the mesh, in viewport and renders":
        "Die Punkte, die auf dem Mesh lägen, im Ansichtsfenster und beim Rendern verbergen",
    "High Detail": "Viel Detail",
    "Holds config.json, model.safetensors and preprocessor_config.json, or a pipeline of diffusers":
        "Enthält config.json, model.safetensors und preprocessor_config.json oder eine Pipeline "
        "von diffusers",
    "Hole": "Loch",
    "Holes": "Löcher",
    "Hollow Bust": "Hohle Büste",
    "How depth becomes the surface; it can be changed afterwards":
        "Wie aus der Tiefe die Oberfläche wird; lässt sich nachträglich ändern",
    "How far each iteration goes": "Wie weit jede Wiederholung geht",
    "How far its surface is from the others', in mm; -1 if that is not known":
        "Wie weit seine Oberfläche von denen der anderen entfernt ist, in mm; -1, wenn das nicht "
        "bekannt ist",
    "How far the surfaces were apart in mm: placed by landmarks, by ICP, and refined":
        "Wie weit die Oberflächen auseinanderlagen, in mm: nach Gesichtspunkten platziert, durch "
        "ICP und verfeinert",
    "How many are left at most": "Wie viele höchstens übrig bleiben",
    "How many nearest points, the point itself included, tell how far it is apart":
        "Wie viele nächste Punkte, der Punkt selbst mitgezählt, sagen, wie weit er abseits liegt",
    "How many other points must lie within the radius":
        "Wie viele andere Punkte innerhalb des Radius liegen müssen",
    "How many runs of the diffusion are averaged: calmer depth for as many times the time":
        "Wie viele Durchläufe der Diffusion gemittelt werden: ruhigere Tiefe für ein Vielfaches "
        "der Zeit",
    "How many standard deviations farther than the mean of all points a point may be: with less, "
    "more points go":
        "Um wie viele Standardabweichungen ein Punkt weiter entfernt sein darf als der "
        "Mittelwert aller Punkte: Bei weniger verschwinden mehr Punkte",
    "How many vertices the adaptive mesh may have":
        "Wie viele Vertices das adaptive Mesh haben darf",
    "How much of the person becomes a mesh": "Wie viel von der Person zum Mesh wird",
    "How much of the world the picture shows from left to right at the subject; 0 goes by the "
    "file, the face, or distances and lens":
        "Wie viel von der Welt das Bild beim Motiv von links nach rechts zeigt; 0 richtet sich "
        "nach der Datei, dem Gesicht oder nach Abständen und Objektiv",
    "How noise is told from form": "Wie Rauschen von Form unterschieden wird",
    "How often to smooth": "Wie oft geglättet wird",
    "How the object lies in the printer": "Wie das Objekt im Drucker liegt",
    "How the quads are made": "Wie die Vierecke entstehen",
    "How the stored depth of the active mesh becomes its surface":
        "Wie aus der gespeicherten Tiefe des aktiven Meshs seine Oberfläche wird",
    "How the surface is divided": "Wie die Oberfläche unterteilt ist",
    "How the surface is found": "Wie die Oberfläche gefunden wird",
    "How wide the photo's camera saw": "Wie weit der Blick der Kamera des Fotos war",
    "If the file's name does not say it": "Falls der Dateiname es nicht angibt",
    "Image": "Bild",
    "Image of this file that holds the face's normals":
        "Bild dieser Datei, das die Normalen des Gesichts enthält",
    "Images of this file, to be fused": "Bilder dieser Datei, die verschmolzen werden sollen",
    "Import": "Importieren",
    "Import Depth Map": "Tiefenkarte importieren",
    "Import Point Cloud": "Punktwolke importieren",
    "Islands": "Inseln",
    "It could not be read": "Es konnte nicht gelesen werden",
    "It has not been fused yet": "Es wurde noch nicht verschmolzen",
    "Iterations": "Wiederholungen",
    "Its vertices as they are seen, with all that was done to them":
        "Seine Vertices, wie sie zu sehen sind, mit allem, was an ihnen geändert wurde",
    "Its weights, painted in Weight Paint, scale the strength":
        "Ihre Gewichte, gemalt im Modus „Malereieinfluss“ (Weight Paint), skalieren die Stärke",
    "JPEG": "JPEG",
    "Keep Border": "Rand erhalten",
    "Keep Features": "Gesichtszüge erhalten",
    "Keep Warm (Minutes)": "Warmhalten (Minuten)",
    "Keep all photos' surfaces as hidden point clouds: placed by landmarks alone, and as they "
    "are fused":
        "Die Oberflächen aller Fotos als verborgene Punktwolken behalten: nur nach "
        "Gesichtspunkten platziert und so, wie sie verschmolzen sind",
    "Keep the present settings as a preset of your own, or remove the one that was chosen":
        "Die jetzigen Einstellungen als eigene Voreinstellung behalten oder die gewählte entfernen",
    "Kind": "Art",
    "Kind of the file": "Art der Datei",
    "Kind of the texture's file": "Art der Texturdatei",
    "Landmarks": "Gesichtspunkte",
    "Laplacian": "Laplace",
    "Larger values are nearer": "Größere Werte sind näher",
    "Largest": "Größte Form",
    "Largest angle of a face's normal to the viewing direction":
        "Größter Winkel zwischen der Normale einer Fläche und der Blickrichtung",
    "Largest distance between vertices to merge":
        "Größter Abstand zwischen Vertices, die zusammengeführt werden",
    "Largest number of edges around a hole to fill":
        "Größte Zahl von Kanten um ein Loch, das gefüllt wird",
    "Least": "Mindestens",
    "Least thickness of the walls": "Geringste Dicke der Wände",
    "Leave one point in each cube of a grid, on the selected points or, without any, on all":
        "In jedem Würfel eines Rasters einen Punkt übrig lassen, von den ausgewählten Punkten "
        "oder, ohne Auswahl, von allen",
    "Leave one point in each cube of this size; 0 keeps all":
        "In jedem Würfel dieser Größe einen Punkt übrig lassen; 0 behält alle",
    "Left Out": "Ausgelassen",
    "Lens": "Objektiv",
    "Licence: {licence}": "Lizenz: {licence}",
    "Light and shade of the photo's skin; a guess, to which a stain is relief too":
        "Licht und Schatten der Haut im Foto; eine Vermutung, für die auch ein Fleck Relief ist",
    "Loading the model": "Modell wird geladen",
    "Local": "Lokal",
    "Log File": "Protokolldatei",
    "Look at the mesh as the photo's camera did, with the photo behind it. It becomes the "
    "scene's camera, and the photo's size the render size":
        "Das Mesh so ansehen, wie es die Kamera des Fotos tat, mit dem Foto dahinter. Sie wird "
        "zur Kamera der Szene, und die Größe des Fotos zur Rendergröße",
    "Look at what is there and what is missing, and say how to mend it":
        "Nachsehen, was da ist und was fehlt, und sagen, wie es zu beheben ist",
    "Looking at the packages": "Pakete werden geprüft",
    "Lying": "Liegend",
    "Make": "Erstellen",
    "Make Point Cloud": "Punktwolke erstellen",
    "Make a closed, printable object of the active relief, in its true size":
        "Aus dem aktiven Relief ein geschlossenes, druckbares Objekt in wahrer Größe erstellen",
    "Make a coloured point cloud of the active mesh":
        "Aus dem aktiven Mesh eine farbige Punktwolke erstellen",
    "Make a face as deep as its landmarks say, whatever a model in metres says":
        "Ein Gesicht so tief machen, wie seine Gesichtspunkte es angeben, was immer ein Modell "
        "in Metern sagt",
    "Make a mesh of a depth map from another program":
        "Aus einer Tiefenkarte eines anderen Programms ein Mesh erstellen",
    "Make a mesh of each photo of the list. Esc keeps those that are ready":
        "Aus jedem Foto der Liste ein Mesh machen. Esc behält, was fertig ist",
    "Make a mesh through the points of the active point cloud, in their colours":
        "Ein Mesh durch die Punkte der aktiven Punktwolke erstellen, in deren Farben",
    "Make one head of several photos of a person":
        "Aus mehreren Fotos einer Person einen Kopf erstellen",
    "Matte": "Maske",
    "Max Angle": "Max. Winkel",
    "Max Hole Sides": "Max. Lochkanten",
    "Merge Distance": "Abstand zum Zusammenführen",
    "Merge Doubles": "Doppelte zusammenführen",
    "Merge vertices that lie on one another": "Aufeinanderliegende Vertices zusammenführen",
    "Merging the surfaces": "Oberflächen werden zusammengeführt",
    "Mesh": "Mesh",
    "Mesh from Points": "Mesh aus Punkten",
    "Metal": "Metal",
    "Method": "Methode",
    "Metres": "Meter",
    "Metres in a unit of the file: 0.001 for files in millimetres":
        "Meter je Einheit der Datei: 0.001 für Dateien in Millimetern",
    "Millimetres": "Millimeter",
    "Millimetres between the pupils or, without a face, along the longest side of the photo. The "
    "mesh grows by it as a whole; 63 is usual for adults":
        "Millimeter zwischen den Pupillen oder, ohne Gesicht, entlang der längsten Seite des "
        "Fotos. Das Mesh wächst damit als Ganzes; 63 ist bei Erwachsenen üblich",
    "Millimetres between the pupils; 63 is usual for adults":
        "Millimeter zwischen den Pupillen; 63 ist bei Erwachsenen üblich",
    "Min Island": "Min. Insel",
    "Minutes after which an idle worker frees its memory":
        "Minuten, nach denen ein untätiger Arbeitsprozess seinen Speicher freigibt",
    "Model": "Modell",
    "Model Folder": "Modellordner",
    "Near": "Nah",
    "Near Is": "Nah ist",
    "Neighbours": "Nachbarn",
    "Non-Manifold": "Nicht mannigfaltig",
    "None": "Ohne",
    "Normal Map": "Normalmap",
    "Not on this machine": "Nicht auf diesem Rechner",
    "NumPy": "NumPy",
    "Numbers that depth models compute with": "Zahlen, mit denen Tiefenmodelle rechnen",
    "ONNX File": "ONNX-Datei",
    "Of the diffusion's noise: the same number gives the same depth again":
        "Des Rauschens der Diffusion: Dieselbe Zahl ergibt wieder dieselbe Tiefe",
    "Of the diffusion: more are slower and finer; 0 takes as many as suit the model":
        "Der Diffusion: Mehr sind langsamer und feiner; 0 nimmt so viele, wie zum Modell passen",
    "Of the points as they are shown; 0 takes one that suits their spacing. The modifier Points "
    "changes it later":
        "Der Punkte, wie sie gezeigt werden; 0 nimmt einen, der zu ihrem Abstand passt. Der "
        "Modifikator „Points“ ändert ihn später",
    "Of the relief, on the mesh's UV map, for a plane or a coarser mesh":
        "Die des Reliefs, auf der UV-Map des Meshs, für eine Ebene oder ein gröberes Mesh",
    "Of the values; what a file of Face Depth says counts more":
        "Die der Werte; was eine Datei von Face Depth angibt, hat Vorrang",
    "Of this file, in place of one on disk":
        "Eines dieser Datei, anstelle von einem auf dem Datenträger",
    "On its back": "Auf dem Rücken",
    "On this machine": "Auf diesem Rechner",
    "One photo with several models, side by side": "Ein Foto mit mehreren Modellen, nebeneinander",
    "Only Select": "Nur auswählen",
    "Only for clouds without normals": "Nur für Wolken ohne Normalen",
    "Open a photo in an Image Editor": "Ein Foto in einem Bildeditor öffnen",
    "Open a photo, or drop one into the viewport":
        "Ein Foto öffnen oder in das Ansichtsfenster ziehen",
    "Open the page in the web browser when it is written":
        "Die Seite im Webbrowser öffnen, sobald sie geschrieben ist",
    "Open the points of a PLY file as a point cloud":
        "Die Punkte einer PLY-Datei als Punktwolke öffnen",
    "OpenEXR": "OpenEXR",
    "Options": "Optionen",
    "Other faces, and what the photo does not show":
        "Andere Flächen und das, was das Foto nicht zeigt",
    "Outliers": "Ausreißer",
    "Outside": "Außenseite",
    "Overwrite": "Überschreiben",
    "Own Preset": "Eigene Voreinstellung",
    "Own model": "Eigenes Modell",
    "PNG": "PNG",
    "Paint": "Malen",
    "Paint Depth": "Tiefe bemalen",
    "Paint On": "Malen auf",
    "Paint on the depth or the outline that the mesh was made from; Apply Painting shows it":
        "Die Tiefe oder den Umriss bemalen, aus denen das Mesh entstand; „Bemalung anwenden“ "
        "zeigt es",
    "Part": "Ausschnitt",
    "People, from head to foot": "Menschen, von Kopf bis Fuß",
    "People, from head to foot, finer": "Menschen, von Kopf bis Fuß, feiner",
    "Perspective": "Perspektive",
    "Photo": "Foto",
    "Photo (mm)": "Foto (mm)",
    "Photo From": "Foto aus",
    "Photo Pixels": "Fotopixel",
    "Photo's Camera": "Kamera des Fotos",
    "Photo, preset and the one button": "Foto, Voreinstellung und der eine Knopf",
    "Picture Width": "Bildbreite",
    "Placed": "Platziert",
    "Placing the photos by their landmarks": "Fotos werden nach Gesichtspunkten platziert",
    "Plate": "Platte",
    "Plates and flat backs lie, all else stands":
        "Platten und flache Rückseiten liegen, alles andere steht",
    "Point Cloud": "Punktwolke",
    "Point Clouds": "Punktwolken",
    "Point Radius": "Punktradius",
    "Poisson": "Poisson",
    "Pores and wrinkles from the photo or from a normal map":
        "Poren und Fältchen aus dem Foto oder aus einer Normalmap",
    "Portrait": "Porträt",
    "Pose": "Pose",
    "Position": "Lage",
    "Precision": "Genauigkeit",
    "Preparing the colours": "Farben werden vorbereitet",
    "Preset": "Voreinstellung",
    "Presets": "Voreinstellungen",
    "Print Relief": "Druckrelief",
    "Projection": "Projektion",
    "Pull single vertices that stick out back to the surface":
        "Einzelne herausragende Vertices zur Oberfläche zurückziehen",
    "Pupils (mm)": "Pupillen (mm)",
    "Put the whole photo on a plane behind the mesh, where the camera saw it":
        "Das ganze Foto auf eine Ebene hinter dem Mesh legen, wo die Kamera es sah",
    "Python Interpreter": "Python-Interpreter",
    "Quad Remesh": "In Vierecke neu vernetzen",
    "QuadriFlow": "QuadriFlow",
    "Quads along the axes, for closed meshes; quick":
        "Vierecke entlang der Achsen, für geschlossene Meshes; schnell",
    "Quads along the form, for open and closed meshes; slow":
        "Vierecke entlang der Form, für offene und geschlossene Meshes; langsam",
    "Radius": "Radius",
    "Ratio": "Verhältnis",
    "Reading the depth map": "Tiefenkarte wird gelesen",
    "Reading the photo": "Foto wird gelesen",
    "Reconstruct Each": "Einzeln rekonstruieren",
    "Reconstruct Face": "Gesicht rekonstruieren",
    "Reconstruct the photo with each ticked model and lay the meshes out side by side":
        "Das Foto mit jedem angehakten Modell rekonstruieren und die Meshes nebeneinander auslegen",
    "Rectangle": "Rechteck",
    "Reduce the active mesh to a number of triangles or vertices, most where it is flat":
        "Das aktive Mesh auf eine Zahl von Dreiecken oder Vertices verringern, am meisten, wo es "
        "flach ist",
    "Refine Mesh": "Mesh verfeinern",
    "Relief": "Relief",
    "Relief Plate": "Reliefplatte",
    "Remark": "Bemerkung",
    "Remove": "Entfernen",
    "Remove Detail": "Detail entfernen",
    "Remove Outliers": "Ausreißer entfernen",
    "Remove Photo": "Foto entfernen",
    "Remove Spikes": "Zacken entfernen",
    "Remove points that float apart, among the selected points or, without any, among all":
        "Abseits schwebende Punkte entfernen, unter den ausgewählten oder, ohne Auswahl, unter "
        "allen",
    "Remove stretched faces, spikes and loose parts and fill holes, on the selected vertices or, "
    "without any, on the whole mesh":
        "Gestreckte Flächen, Zacken und lose Teile entfernen und Löcher füllen, an den "
        "ausgewählten Vertices oder, ohne Auswahl, am ganzen Mesh",
    "Replace files that are there already": "Schon vorhandene Dateien ersetzen",
    "Reset Shape": "Form zurücksetzen",
    "Residual": "Restabstand",
    "Residuals": "Restabstände",
    "Resolution": "Auflösung",
    "Rooms and things in metres": "Räume und Dinge, in Metern",
    "Rooms in metres": "Räume, in Metern",
    "Rooms in metres, small": "Räume, in Metern, klein",
    "Rooms, streets and whole figures; the classic of 2021":
        "Räume, Straßen und ganze Figuren; der Klassiker von 2021",
    "Round": "Rund",
    "Row": "Reihe",
    "Rows of quads, where the hole has four sides":
        "Reihen von Vierecken, wo das Loch vier Seiten hat",
    "Runs the depth model: one that has torch and transformers, or onnxruntime, and "
    "opencv-python and pillow. Empty for Blender's own Python":
        "Führt das Tiefenmodell aus: einer mit torch und transformers oder onnxruntime sowie "
        "opencv-python und pillow. Leer für Blenders eigenes Python",
    "STL": "STL",
    "Scale": "Maßstab",
    "Scenes, a middle way of MiDaS 3.1": "Szenen, ein Mittelweg von MiDaS 3.1",
    "Scenes, the most exact of MiDaS": "Szenen, das genaueste von MiDaS",
    "Scenes, where it must be quick": "Szenen, wenn es schnell gehen muss",
    "Seed": "Startwert",
    "Select Self-Intersections": "Selbstdurchdringungen auswählen",
    "Select a mesh made by Face Depth": "Ein von Face Depth erstelltes Mesh auswählen",
    "Select a mesh object first": "Zuerst ein Mesh-Objekt auswählen",
    "Select a point cloud or a mesh first": "Zuerst eine Punktwolke oder ein Mesh auswählen",
    "Select a point cloud: a mesh of vertices without edges and faces":
        "Eine Punktwolke auswählen: ein Mesh aus Vertices ohne Kanten und Flächen",
    "Select an image or a textured plane": "Ein Bild oder eine texturierte Ebene auswählen",
    "Select the faces that go through others, of the selected ones or, without any, of all":
        "Die Flächen auswählen, die durch andere gehen, von den ausgewählten oder, ohne Auswahl, "
        "von allen",
    "Select the flipped faces and leave them as they are":
        "Die umgedrehten Flächen auswählen und lassen, wie sie sind",
    "Selected": "Ausgewählt",
    "Self-Check": "Selbsttest",
    "Sending the result": "Ergebnis wird gesendet",
    "Separating the background": "Hintergrund wird abgetrennt",
    "Set by hand": "Von Hand gesetzt",
    "Set model, part, resolution, projection and strength for a common wish":
        "Modell, Ausschnitt, Auflösung, Projektion und Stärke für einen häufigen Wunsch setzen",
    "Settings for common wishes, and your own": "Einstellungen für häufige Wünsche und die eigenen",
    "Several Photos": "Mehrere Fotos",
    "Several photos of one person, or a video, make one head":
        "Mehrere Fotos einer Person oder ein Video ergeben einen Kopf",
    "Shading": "Schattierung",
    "Shape": "Form",
    "Shaping the surface": "Oberfläche wird geformt",
    "Show Depth": "Tiefe zeigen",
    "Show It": "Anzeigen",
    "Show the depth of the mesh as a grey image": "Die Tiefe des Meshs als graues Bild zeigen",
    "Shows": "Zeigt",
    "Side by side, from the 3D cursor to the right": "Nebeneinander, vom 3D-Cursor nach rechts",
    "Side of the cubes, in each of which one point is left: the mean of all there":
        "Seite der Würfel, in denen je ein Punkt übrig bleibt: der Mittelwert aller darin",
    "Single": "Einfach",
    "Size": "Größe",
    "Sliders as Modifier": "Regler als Modifikator",
    "Small, as the photo was": "Klein, wie das Foto war",
    "Smaller values are nearer, as distances are": "Kleinere Werte sind näher, wie bei Abständen",
    "Smallest part to keep, as a share of the biggest part's vertices":
        "Kleinster Teil, der bleibt, als Anteil der Vertices des größten Teils",
    "Smooth": "Glätten",
    "Smooth Bands": "Stufen glätten",
    "Smooth Border": "Rand glätten",
    "Smooth Points": "Punkte glätten",
    "Smooth Relief": "Relief glätten",
    "Smooth and Clean Up": "Glätten und Aufräumen",
    "Smoothing": "Glättung",
    "Smoothing and repairs, on any mesh": "Glättung und Reparaturen, an jedem Mesh",
    "Solid": "Vollkörper",
    "Source": "Quelle",
    "Spare the eyes, the wings of the nose and the lips of a reconstructed face: their shape "
    "stays, and so does their noise":
        "Die Augen, Nasenflügel und Lippen eines rekonstruierten Gesichts aussparen: Ihre Form "
        "bleibt, ihr Rauschen auch",
    "Spikes": "Zacken",
    "Squares of one size": "Quadrate einer Größe",
    "Standard deviation of the Gaussian: details smaller than this go":
        "Standardabweichung der Gaußkurve: Kleinere Details verschwinden",
    "Standing": "Stehend",
    "Starting the worker": "Arbeitsprozess wird gestartet",
    "State": "Zustand",
    "Statistical": "Statistisch",
    "Steps": "Schritte",
    "Stop what is running": "Abbrechen, was gerade läuft",
    "Straight towards the viewer, as in a medal":
        "Gerade auf den Betrachter zu, wie bei einer Medaille",
    "Strength": "Stärke",
    "Stretched": "Gestreckte",
    "Surface": "Oberfläche",
    "Switch to Object Mode first": "Zuerst in den Objektmodus wechseln",
    "Switch to Object Mode or Edit Mode first":
        "Zuerst in den Objektmodus oder den Bearbeitungsmodus wechseln",
    "Switch to Object Mode or Texture Paint first":
        "Zuerst in den Objektmodus oder die Texturmalerei wechseln",
    "Take all photos from the list": "Alle Fotos aus der Liste nehmen",
    "Take the active photo from the list": "Das aktive Foto aus der Liste nehmen",
    "Take the added detail away from the mesh and from its material":
        "Das hinzugefügte Detail vom Mesh und aus seinem Material nehmen",
    "Take the mesh apart where edges have more than two faces or only a vertex holds faces":
        "Das Mesh auftrennen, wo Kanten mehr als zwei Flächen haben oder nur ein Vertex Flächen "
        "zusammenhält",
    "Taubin": "Taubin",
    "Texture": "Textur",
    "Texture Format": "Texturformat",
    "The best shape, under a second once warm":
        "Die beste Form, einmal geladen in weniger als einer Sekunde",
    "The depth map: seen, painted, imported and exported":
        "Die Tiefenkarte: ansehen, bemalen, importieren und exportieren",
    "The download is not finished": "Der Download ist nicht abgeschlossen",
    "The face as deep as it is, with a flat back":
        "Das Gesicht so tief, wie es ist, mit flacher Rückseite",
    "The fastest device that PyTorch finds": "Das schnellste Gerät, das PyTorch findet",
    "The head is made of it": "Der Kopf entsteht mit ihm",
    "The head is made without it": "Der Kopf entsteht ohne es",
    "The head with hair down to the ear lobes, without the neck":
        "Der Kopf mit Haaren bis zu den Ohrläppchen, ohne den Hals",
    "The image empty, or the plane with an image, that is selected":
        "Das ausgewählte Leerobjekt mit Bild oder die ausgewählte Ebene mit Bild",
    "The image that is open in an Image Editor": "Das Bild, das in einem Bildeditor geöffnet ist",
    "The mesh does not keep the photo and depth it was made from":
        "Das Mesh bewahrt das Foto und die Tiefe nicht, aus denen es entstand",
    "The mesh has shape keys, which only fit its own vertices: remove them first":
        "Das Mesh hat Formschlüssel, die nur zu seinen eigenen Vertices passen: Sie zuerst "
        "entfernen",
    "The mesh is grey": "Das Mesh ist grau",
    "The mesh is linked from another file: make it local":
        "Das Mesh ist aus einer anderen Datei verknüpft: zuerst lokal machen",
    "The modifier {name} shapes this mesh": "Der Modifikator {name} formt dieses Mesh",
    "The normal map was made from the texture of the mesh":
        "Die Normalmap wurde aus der Textur des Meshs erstellt",
    "The normal map was made from the whole photo":
        "Die Normalmap wurde aus dem ganzen Foto erstellt",
    "The outside is away from the middle, as of a whole head":
        "Die Außenseite weist von der Mitte weg, wie bei einem ganzen Kopf",
    "The outside is towards -Y, as of a relief":
        "Die Außenseite weist nach -Y, wie bei einem Relief",
    "The photo of the selected mesh, image empty or plane with an image":
        "Das Foto des ausgewählten Meshs, Leerobjekts mit Bild oder der Ebene mit Bild",
    "The photo to reconstruct": "Das Foto, das rekonstruiert wird",
    "The photo's part that lies on the UV map": "Der Teil des Fotos, der auf der UV-Map liegt",
    "The photo, as an image of this file": "Das Foto, als Bild dieser Datei",
    "The processor: works everywhere": "Der Prozessor: läuft überall",
    "The quickest network, for a plausible but smooth head":
        "Das schnellste Netz, für einen glaubhaften, aber glatten Kopf",
    "The quickest of MiDaS 3.1, for scenes": "Das schnellste von MiDaS 3.1, für Szenen",
    "The same in one step": "Dasselbe in einem Schritt",
    "The subject is white; painting it gives the mesh other faces":
        "Das Motiv ist weiß; wird die Maske bemalt, bekommt das Mesh andere Flächen",
    "The sum of the two": "Die Summe der beiden",
    "The {what} is linked from another file: make it local":
        "Aus einer anderen Datei verknüpft ({what}): zuerst lokal machen",
    "There are no images in this file": "In dieser Datei sind keine Bilder",
    "There are no photos in the list": "In der Liste sind keine Fotos",
    "There is nothing at this place": "An dieser Stelle ist nichts",
    "Thickness of the plate, of a bust's floor, or of a solid where it is thinnest":
        "Dicke der Platte, des Bodens einer Büste oder eines Vollkörpers an der dünnsten Stelle",
    "Thin Out": "Ausdünnen",
    "Thin Out Points": "Punkte ausdünnen",
    "This file's model is not installed here": "Das Modell dieser Datei ist hier nicht installiert",
    "This is a point cloud already": "Das ist schon eine Punktwolke",
    "Those farther from their neighbours than is usual in this cloud: also the sparse ones of "
    "steep places":
        "Die weiter von ihren Nachbarn entfernt sind, als es in dieser Wolke üblich ist: auch "
        "die spärlichen an steilen Stellen",
    "Those with too few others within a radius": "Die mit zu wenigen anderen in einem Radius",
    "Tick the models to compare first": "Zuerst die Modelle anhaken, die verglichen werden sollen",
    "Tilt X": "Neigung X",
    "To 1 / distance, as from MiDaS, DPT, Depth Anything or a pair of photos":
        "Zu 1 / Abstand, wie von MiDaS, DPT, Depth Anything oder einem Fotopaar",
    "To the distance or the height, as from renderers and by hand":
        "Zum Abstand oder zur Höhe, wie von Renderern und von Hand",
    "Topology and Head": "Topologie und Kopf",
    "Triangles": "Dreiecke",
    "Triangles around one new vertex": "Dreiecke um einen neuen Vertex",
    "Triangles that are left": "Dreiecke, die übrig bleiben",
    "Turn Flipped Faces": "Umgedrehte Flächen wenden",
    "Turn faces over that look the wrong way": "Flächen wenden, die in die falsche Richtung weisen",
    "Turn the added detail into a normal map of the material instead of displacement":
        "Aus dem hinzugefügten Detail eine Normalmap des Materials statt einer Verschiebung machen",
    "Turn the photo into a coloured mesh of the face":
        "Aus dem Foto ein farbiges Mesh des Gesichts machen",
    "Turn the sliders into a modifier, which can be animated and works without Face Depth":
        "Aus den Reglern einen Modifikator machen, der sich animieren lässt und ohne Face Depth "
        "arbeitet",
    "Turned {yaw:+.0f}°, raised {pitch:+.0f}°": "Gedreht um {yaw:+.0f}°, gehoben um {pitch:+.0f}°",
    "Unit": "Einheit",
    "Units of the file in a metre: 1000 for a file in millimetres":
        "Einheiten der Datei je Meter: 1000 für eine Datei in Millimetern",
    "Up": "Nach oben",
    "Use All Photos": "Alle Fotos verwenden",
    "Use in Material": "Im Material verwenden",
    "Use photos that seem to show somebody else, too":
        "Auch Fotos verwenden, die jemand anderen zu zeigen scheinen",
    "Use the Whole Image": "Das ganze Bild verwenden",
    "Used": "Verwendet",
    "Values": "Werte",
    "Values tell order and proportion only": "Werte geben nur Reihenfolge und Verhältnis an",
    "Vertex Group": "Vertexgruppe",
    "Vertices": "Vertices",
    "Vertices along the longest side of the mesh": "Vertices entlang der längsten Seite des Meshs",
    "Vertices from the top of the head to the neck": "Vertices vom Scheitel bis zum Hals",
    "Vertices that are left": "Vertices, die übrig bleiben",
    "Voxel Size": "Voxelgröße",
    "Voxels": "Voxel",
    "Waiting": "Wartet",
    "Waiting for Object Mode": "Wartet auf den Objektmodus",
    "Waiting for the worker": "Wartet auf den Arbeitsprozess",
    "Wall Thickness": "Wanddicke",
    "Watertight": "Wasserdicht",
    "Weak Perspective": "Schwache Perspektive",
    "Web Page": "Webseite",
    "What became of it": "Was daraus wurde",
    "What becomes points": "Was zu Punkten wird",
    "What depth models run on": "Worauf Tiefenmodelle laufen",
    "What estimates the depth": "Was die Tiefe schätzt",
    "What is made of the relief": "Was aus dem Relief entsteht",
    "What lies within the face's outline": "Was innerhalb des Gesichtsumrisses liegt",
    "What of the photo becomes a mesh, and how fine and deep it is":
        "Was vom Foto zum Mesh wird und wie fein und tief es ist",
    "What the budget counts": "Was das Budget zählt",
    "What the chosen model is for, its licence, and where it is":
        "Wofür das gewählte Modell ist, seine Lizenz und wo es liegt",
    "What the depth map is a map of": "Wovon die Tiefenkarte eine Karte ist",
    "What the detail is taken from": "Woraus das Detail genommen wird",
    "What the normal map shows": "Was die Normalmap zeigt",
    "What the shades say": "Was die Grautöne besagen",
    "What the values are proportional to": "Wozu die Werte proportional sind",
    "Where the meshes of single photos go": "Wohin die Meshes einzelner Fotos kommen",
    "Where the photo is taken from": "Woher das Foto genommen wird",
    "Where the relief is steeper than this, it is cut":
        "Wo das Relief steiler ist, wird es aufgeschnitten",
    "Where warnings and errors are written, those of the worker too; empty for nowhere. Workers "
    "that are running already go on as they are":
        "Wohin Warnungen und Fehler geschrieben werden, auch die des Arbeitsprozesses; leer für "
        "nirgendwohin. Schon laufende Arbeitsprozesse bleiben, wie sie sind",
    "Whether its pose is known": "Ob seine Pose bekannt ist",
    "Which face of a group: 0 is the largest": "Welches Gesicht einer Gruppe: 0 ist das größte",
    "Which of the list is shown below": "Welches der Liste unten gezeigt wird",
    "Which picture is painted on": "Welches Bild bemalt wird",
    "Which points count as apart": "Welche Punkte als abseits gelten",
    "Which way the green channel points": "Wohin der Grünkanal weist",
    "White": "Weiß",
    "White is the nearest, black the farthest": "Weiß ist am nächsten, Schwarz am fernsten",
    "Whole Image": "Ganzes Bild",
    "Why it was left out, or what there is to know of it":
        "Warum es ausgelassen wurde oder was darüber zu wissen ist",
    "Width": "Breite",
    "Width and height of the face's texture": "Breite und Höhe der Gesichtstextur",
    "Width of the detail in pixels; no more than the pictures have is used":
        "Breite des Details in Pixeln; mehr, als die Bilder haben, wird nicht verwendet",
    "Width of the texture, in pixels": "Breite der Textur, in Pixeln",
    "Width over which the border sinks to the farthest depth, as on a medal":
        "Breite, über die der Rand zur fernsten Tiefe absinkt, wie bei einer Medaille",
    "With colours and its unit": "Mit Farben und Maßeinheit",
    "Within which a point must have others; 0 takes five times the points' spacing":
        "Innerhalb dessen ein Punkt andere haben muss; 0 nimmt das Fünffache des Abstands der "
        "Punkte",
    "Without loss": "Ohne Verlust",
    "Wrap Head": "Kopfvorlage anpassen",
    "Wrinkles and pores, for large photos": "Fältchen und Poren, für große Fotos",
    "Write the active object as a file for a slicer, in millimetres":
        "Das aktive Objekt als Datei für einen Slicer schreiben, in Millimetern",
    "Write the active point cloud, or a mesh's vertices, with colours and normals, as PLY":
        "Die aktive Punktwolke oder die Vertices eines Meshs mit Farben und Normalen als PLY "
        "schreiben",
    "Write the depth that the mesh was made from, at the photo's size, with what was painted":
        "Die Tiefe, aus der das Mesh entstand, in der Größe des Fotos und mit dem Gemalten "
        "schreiben",
    "Write the mesh as one web page in which it can be turned, without Blender or network":
        "Das Mesh als eine einzige Webseite schreiben, in der es sich drehen lässt, ohne Blender "
        "oder Netz",
    "Write the normal map, the texture and the landmarks of the mesh into a folder":
        "Die Normalmap, die Textur und die Gesichtspunkte des Meshs in einen Ordner schreiben",
    "Writing the depth map": "Tiefenkarte wird geschrieben",
    "Y": "Y",
    "Yaw to the picture's right, pitch upwards and roll clockwise, in degrees":
        "Drehung zur rechten Bildseite, Hebung nach oben und Neigung im Uhrzeigersinn, in Grad",
    "Your Own": "Eigene",
    "Your own folder that holds models by their names, beside those that were downloaded":
        "Eigener Ordner, der Modelle unter ihren Namen enthält, neben den heruntergeladenen",
    "about as quick as Face DPT": "etwa so schnell wie Face DPT",
    "cloud": "Punktwolke",
    "comparison": "Vergleich",
    "download": "Download",
    "fusion": "Verschmelzung",
    "into {place}": "nach {place}",
    "mesh": "Mesh",
    "minutes without a graphics card": "Minuten ohne Grafikkarte",
    "quicker than Face DPT": "schneller als Face DPT",
    "reconstruction": "Rekonstruktion",
    "self-check": "Selbsttest",
    "several times as long as Face DPT": "mehrmals so lange wie Face DPT",
    "ten times as long or more": "zehnmal so lange oder länger",
    "{licence}, not for commercial use": "{licence}, nicht für kommerzielle Zwecke",
    "{model} is not on this machine: download it under Model, or choose another":
        "{model} ist nicht auf diesem Rechner: unter „Modell“ herunterladen oder ein anderes "
        "wählen",
    "{model} is not on this machine: see Model below":
        "{model} ist nicht auf diesem Rechner: siehe „Modell“ unten",
    "{model}, about {count} vertices": "{model}, etwa {count} Vertices",
    "{size} from {place}": "{size} von {place}",
    "{stage} ({share:.0%}), Esc cancels": "{stage} ({share:.0%}), Esc bricht ab",
}
