//! More files of repositories at the commit that was read: by path, or by glob through the folders, many repositories in one
//! request. Must not read a folder where a path is plain.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    GithubSource,
    ask::{Asking, Attempts, LARGEST_PAGE, Next, PortionSize},
    client::Urgency,
    error::{Fault, GithubError},
    node::Blob,
    outline::{NodeFault, Outline, Overload, emptiness_fault, numbered, parse_outline},
    pattern::{Pattern, Step},
    query::{by_id, by_name, commit_line, object_line},
    read::Reader,
};
use crate::catalog::{Contents, FilesFound, FilesWanted, SourceFile, SweepError};

/// How deep a glob is followed below a repository's root, as in a folder of checkouts.
const DEEPEST: usize = 6;
/// Folders read of one repository: a monorepo has hundreds of services, and what has more is not told apart by one glob.
const MAX_FOLDERS: usize = 1_000;
/// Names in the folders of one repository, so that a checked-in data set does not fill the memory.
const MAX_ENTRIES: usize = 100_000;
/// Files of one repository.
const MAX_FILES: usize = 1_000;
/// Objects that are too much for GitHub even alone, in a row, before it is GitHub that fails: the others are not tried.
const MAX_STEPPED_PAST: usize = 3;
/// A file's mode in a tree, without its permissions: a link is a blob, too, and holds no more than a path.
const REGULAR_FILE: u32 = 0o100_000;
const FILE_TYPE: u32 = 0o170_000;
/// Folders that hold other people's files.
const PASSED_OVER: [&str; 3] = [".git", "node_modules", "target"];

impl GithubSource {
    /// Reads the files that each wish leads to; what is not there is not in the answer.
    ///
    /// A plain path costs one object of a request, a glob one for each folder on its way besides. What cannot be read is
    /// among the errors of its wish; `Err` means that GitHub did not answer.
    pub async fn load_files(&self, wanted: &[FilesWanted]) -> Result<Vec<FilesFound>, GithubError> {
        let asking = if self.look.is_some() { Asking::for_look(self) } else { Asking::new(self, Urgency::Sweep).hurried() };
        self.find_wanted(&asking, wanted).await
    }

    /// The same for files that may take their time: whatever else is asked of GitHub goes first.
    pub async fn load_documents(&self, wanted: &[FilesWanted]) -> Result<Vec<FilesFound>, GithubError> {
        self.find_wanted(&Asking::for_background(self), wanted).await
    }

    async fn find_wanted(&self, asking: &Asking<'_>, wanted: &[FilesWanted]) -> Result<Vec<FilesFound>, GithubError> {
        let mut reader = Reader::new(asking, None);
        let mut found = reader.find_files(wanted).await?;
        for error in reader.errors {
            let is_its = |wanted: &&FilesWanted| wanted.repository.full_name.as_ref() == Some(&error.location);
            let index = wanted.iter().position(|wanted| is_its(&wanted)).unwrap_or(0);
            if let Some(found) = found.get_mut(index) {
                found.errors.push(error);
            }
        }
        Ok(found)
    }
}

impl Reader<'_> {
    /// Reads the files that each wish leads to, in the order of the wishes.
    pub(super) async fn find_files(&mut self, wanted: &[FilesWanted]) -> Result<Vec<FilesFound>, GithubError> {
        let mut searches: Vec<_> = wanted.iter().map(Search::new).collect();
        let mut tasks: VecDeque<Task> = VecDeque::new();
        for (at, search) in searches.iter_mut().enumerate() {
            search.begin(at, &mut tasks);
        }
        let mut size = PortionSize::new(LARGEST_PAGE);
        // Objects that GitHub could not give even alone, one after another.
        let mut passed = 0;
        let mut given_up: Option<String> = None;
        while !tasks.is_empty() {
            let came = match given_up.clone() {
                Some(said) => tasks.iter().map(|_| Came { name: None, object: Object::Fault(said.clone()) }).collect(),
                None => self.load_objects(&searches, &tasks, &mut size).await?,
            };
            match came.as_slice() {
                [Came { name: None, object: Object::Fault(said) }] => {
                    passed += 1;
                    given_up = (passed >= MAX_STEPPED_PAST).then(|| said.clone());
                }
                _ => passed = 0,
            }
            for came in came {
                let task = tasks.pop_front().expect("no more came than was asked for");
                self.take(&mut searches, task, came, &mut tasks).await;
            }
            // A repository that is not there is asked for once.
            tasks.retain(|task| !searches[task.search].is_over);
        }
        Ok(searches.into_iter().map(Search::end).collect())
    }

    async fn load_objects(
        &self,
        searches: &[Search<'_>],
        tasks: &VecDeque<Task>,
        size: &mut PortionSize,
    ) -> Result<Vec<Came>, GithubError> {
        let mut attempts = Attempts::new(self.asking);
        loop {
            let count = size.now().min(tasks.len());
            let batch: Vec<&Task> = tasks.iter().take(count).collect();
            let fault = match ask(self.asking, searches, &batch, attempts.overload(count)).await {
                Ok(came) => {
                    size.grow();
                    return Ok(came);
                }
                Err(fault) => fault,
            };
            match attempts.bear(fault, size, count).await? {
                Next::TryAgain => {}
                Next::StepPast(said) => return Ok(vec![Came { name: None, object: Object::Fault(said) }]),
            }
        }
    }

    async fn take(&mut self, searches: &mut [Search<'_>], task: Task, came: Came, tasks: &mut VecDeque<Task>) {
        let Came { name, object } = came;
        let search = &mut searches[task.search];
        if search.is_over {
            return;
        }
        match (task.aim, object) {
            (_, Object::NoRepository(why)) => {
                search.blame(why);
                search.is_over = true;
            }
            (Aim::File(path), Object::Fault(said)) => {
                search.blame(format!("{path}: {said}"));
                search.found.insert(path, Contents::Unreadable(format!("GitHub could not read it: {said}")));
            }
            (Aim::Folder { path, .. }, Object::Fault(said)) => search.blame(format!("{path}/: {said}")),
            (Aim::File(path), Object::Here(raw)) => {
                let Ok(blob) = serde_json::from_str::<Blob>(raw.get()) else {
                    return search.blame(format!("{path}: GitHub's answer cannot be read"));
                };
                if blob.byte_size.is_some() {
                    let full_name = name.or_else(|| search.wanted.repository.full_name.clone()).unwrap_or_default();
                    let contents = self.contents(&full_name, &search.wanted.head, &path, blob).await;
                    search.found.insert(path, contents);
                }
            }
            (Aim::Folder { path, steps }, Object::Here(raw)) => match serde_json::from_str::<Tree>(raw.get()) {
                Ok(Tree { entries }) => search.follow(task.search, &path, &steps, entries.unwrap_or_default(), tasks),
                Err(error) => search.blame(format!("{path}/: GitHub's answer cannot be read: {error}")),
            },
            (_, Object::NotHere) => {}
        }
    }
}

/// The way to the files of one wish.
struct Search<'w> {
    wanted: &'w FilesWanted,
    patterns: Vec<Pattern>,
    /// The files that are asked for, by the first pattern that leads there.
    asked: HashMap<String, usize>,
    found: BTreeMap<String, Contents>,
    folders: usize,
    entries: usize,
    errors: Vec<SweepError>,
    /// Nothing more can be read.
    is_over: bool,
}

/// One object to be read.
struct Task {
    search: usize,
    aim: Aim,
}

enum Aim {
    File(String),
    /// With how far each pattern has come that leads through it.
    Folder {
        path: String,
        steps: Vec<Step>,
    },
}

/// What came of one object.
struct Came {
    /// The repository's name as it is now.
    name: Option<String>,
    object: Object,
}

enum Object {
    Here(Box<RawValue>),
    NotHere,
    Fault(String),
    NoRepository(String),
}

#[derive(Deserialize)]
struct Tree {
    /// Absent where the path is a file.
    entries: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    mode: u32,
}

impl<'w> Search<'w> {
    fn new(wanted: &'w FilesWanted) -> Self {
        Self {
            wanted,
            patterns: Vec::new(),
            asked: HashMap::new(),
            found: BTreeMap::new(),
            folders: 0,
            entries: 0,
            errors: Vec::new(),
            is_over: false,
        }
    }

    fn blame(&mut self, message: String) {
        let key = &self.wanted.repository;
        let location = key.full_name.clone().unwrap_or_else(|| format!("repository {}", key.id));
        self.errors.push(SweepError { location, message });
    }

    fn begin(&mut self, at: usize, tasks: &mut VecDeque<Task>) {
        let wanted = self.wanted;
        if wanted.head.is_empty() {
            return;
        }
        let mut folders: BTreeMap<String, Vec<Step>> = BTreeMap::new();
        let mut files = Vec::new();
        for (index, (text, _)) in wanted.patterns.iter().enumerate() {
            let pattern = Pattern::parse(text).unwrap_or_else(|why| {
                self.blame(why);
                Pattern::default()
            });
            match pattern.plain() {
                Some(path) if path.is_empty() => {}
                Some(path) => files.push((path, index)),
                None => folders.entry(pattern.lead()).or_default().push(Step::new(index, &pattern)),
            }
            self.patterns.push(pattern);
        }
        for (path, index) in files {
            self.ask_file(at, path, index, tasks);
        }
        for (path, steps) in folders {
            self.ask_folder(at, path, steps, tasks);
        }
    }

    fn ask_file(&mut self, at: usize, path: String, pattern: usize, tasks: &mut VecDeque<Task>) {
        if let Some(known) = self.asked.get_mut(&path) {
            *known = pattern.min(*known);
            return;
        }
        if self.asked.len() == MAX_FILES {
            return self.blame_once(format!("more than {MAX_FILES} files fit; the others are not read"));
        }
        self.asked.insert(path.clone(), pattern);
        tasks.push_back(Task { search: at, aim: Aim::File(path) });
    }

    fn ask_folder(&mut self, at: usize, path: String, steps: Vec<Step>, tasks: &mut VecDeque<Task>) {
        let depth = path.split('/').filter(|part| !part.is_empty()).count();
        if depth > DEEPEST {
            return;
        }
        if self.folders == MAX_FOLDERS {
            return self.blame_once(format!("more than {MAX_FOLDERS} folders are on the way; the others are not read"));
        }
        self.folders += 1;
        tasks.push_back(Task { search: at, aim: Aim::Folder { path, steps } });
    }

    fn blame_once(&mut self, message: String) {
        if !self.errors.iter().any(|error| error.message == message) {
            self.blame(message);
        }
    }

    /// Goes on from a folder to what fits in it.
    fn follow(&mut self, at: usize, folder: &str, steps: &[Step], entries: Vec<Entry>, tasks: &mut VecDeque<Task>) {
        self.entries += entries.len();
        if self.entries > MAX_ENTRIES {
            return self.blame_once(format!("its folders hold more than {MAX_ENTRIES} names; the others are not read"));
        }
        for Entry { name, kind, mode } in entries {
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            let mut inside: Vec<Step> = Vec::new();
            let mut files: HashSet<usize> = HashSet::new();
            for step in steps {
                let pattern = &self.patterns[step.pattern()];
                match kind.as_str() {
                    "tree" if !PASSED_OVER.contains(&name.as_str()) => step.into_folder(pattern, &name, &mut inside),
                    "blob" if mode & FILE_TYPE == REGULAR_FILE && step.fits_file(pattern, &name) => {
                        files.insert(step.pattern());
                    }
                    // Links, submodules, and what does not fit.
                    _ => {}
                }
            }
            if let Some(pattern) = files.into_iter().min() {
                self.ask_file(at, path, pattern, tasks);
            } else if !inside.is_empty() {
                self.ask_folder(at, path, inside, tasks);
            }
        }
    }

    fn end(self) -> FilesFound {
        let Self { wanted, asked, found, errors, .. } = self;
        let mut files: Vec<_> = found
            .into_iter()
            .filter_map(|(path, contents)| {
                let pattern = *asked.get(&path)?;
                Some((pattern, SourceFile { role: wanted.patterns[pattern].1, path, contents }))
            })
            .collect();
        files.sort_by_key(|(pattern, _)| *pattern);
        FilesFound { files: files.into_iter().map(|(_, file)| file).collect(), errors }
    }
}

/// Asks for these objects once. The answer has one for each task, in their order.
async fn ask(asking: &Asking<'_>, searches: &[Search<'_>], tasks: &[&Task], overload: Overload) -> Result<Vec<Came>, Fault> {
    #[derive(Serialize)]
    struct NoVariables {}
    type Data = HashMap<String, Option<Box<RawValue>>>;
    // Each repository once, though its tasks need not stand together.
    let mut places: Vec<usize> = Vec::new();
    let mut blocks: Vec<(String, String)> = Vec::new();
    let mut of_task: Vec<usize> = Vec::new();
    for (index, task) in tasks.iter().enumerate() {
        let wanted = searches[task.search].wanted;
        let place = places.iter().position(|known| *known == task.search).unwrap_or_else(|| {
            places.push(task.search);
            blocks.push((field_of(wanted, places.len() - 1), commit_line(&wanted.head)));
            places.len() - 1
        });
        let (path, fragment) = match &task.aim {
            Aim::File(path) => (path, "Text"),
            Aim::Folder { path, .. } => (path, "Entries"),
        };
        blocks[place].1.push_str(&object_line(index, &wanted.head, path, fragment));
        of_task.push(place);
    }
    let answer = asking.query(&asking.source.queries.objects(&blocks), NoVariables {}).await?;
    let Outline { data, errors } = parse_outline(&answer, overload, Data::is_empty)?;
    let Some(mut data) = data else { return Err(emptiness_fault(errors)) };
    let mut faults: HashMap<usize, Vec<NodeFault>> = HashMap::new();
    for (index, fault) in errors.iter().filter_map(|error| error.in_aliases("repository")) {
        faults.entry(index).or_default().push(fault);
    }
    let mut repositories = Vec::with_capacity(places.len());
    for place in 0..places.len() {
        let raw = data.remove(&format!("repository{place}")).flatten();
        let fields = raw.map(|raw| serde_json::from_str::<Data>(raw.get())).transpose();
        repositories.push(fields.map_err(|error| Fault::Transient(format!("the answer cannot be read: {error}")))?);
    }
    let came = tasks.iter().zip(of_task).enumerate().map(|(index, (task, place))| {
        let faults = faults.get(&place).map_or(&[][..], Vec::as_slice);
        came_of(index, searches[task.search].wanted, repositories[place].as_mut(), faults)
    });
    Ok(came.collect())
}

/// The field that finds the repository: by GitHub's id where that is known.
fn field_of(wanted: &FilesWanted, place: usize) -> String {
    match (&wanted.repository.node_id, wanted.repository.full_name.as_deref().and_then(|name| name.split_once('/'))) {
        (Some(id), _) => by_id(place, id),
        (None, Some((owner, name))) => by_name(place, owner, name),
        // GitHub answers that there is no such thing.
        (None, None) => by_name(place, "", ""),
    }
}

fn came_of(
    index: usize,
    wanted: &FilesWanted,
    fields: Option<&mut HashMap<String, Option<Box<RawValue>>>>,
    faults: &[NodeFault],
) -> Came {
    let own = |fault: &&NodeFault| fault.field.as_deref().and_then(|field| numbered(field, "object")) == Some(index);
    let Some(fields) = fields else {
        let said = faults.first().map_or("GitHub does not give the repository", |fault| &fault.said);
        return Came { name: None, object: Object::NoRepository(said.to_owned()) };
    };
    let name = fields.get("nameWithOwner").and_then(Option::as_ref).and_then(|raw| serde_json::from_str(raw.get()).ok());
    if let Some(fault) = faults.iter().find(own) {
        return Came { name, object: Object::Fault(fault.said.clone()) };
    }
    if fields.get("commit").and_then(Option::as_ref).is_none() {
        let why = format!("the commit {} is not there any more", wanted.head);
        return Came { name, object: Object::NoRepository(why) };
    }
    let object = match fields.remove(&format!("object{index}")).flatten() {
        Some(raw) => Object::Here(raw),
        None => Object::NotHere,
    };
    Came { name, object }
}
