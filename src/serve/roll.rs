//! The roll: the directory of the file and, where it is used, of AKELDO, put together anew whenever one of
//! them changes.

use std::path::PathBuf;
use std::sync::Arc;

use crate::directory::{Directory, DirectoryError};
use crate::port::{Clock, DirectoryCopies};
use crate::source::akeldo::{
    Akeldo, CopyError, Held, RefreshError, Refreshed, SettingsError, Smaller,
};
use crate::source::file::{self, SourceError};
use crate::source::merge::merge;
use crate::telemetry::chain::Chain;

use super::config::Settings;

/// Why there is no directory.
#[derive(Debug, thiserror::Error)]
pub enum RollError {
    /// The file.
    #[error(transparent)]
    File(#[from] SourceError),
    /// The settings of AKELDO.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// File and AKELDO do not hold together.
    #[error("the file and AKELDO do not hold together: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Merge(Vec<DirectoryError>),
}

/// The file, AKELDO, and what was last read of each.
pub struct Roll {
    path: PathBuf,
    file: Directory,
    akeldo: Option<Akeldo>,
    held: Option<Held>,
}

impl Roll {
    /// Reads the file, and the last good copy of AKELDO where it is used. AKELDO itself is not asked: a
    /// start does not depend on it.
    ///
    /// # Errors
    /// When the file or a setting is not right. A copy that cannot be read is left out, and the log says
    /// so.
    pub async fn open(
        settings: &Settings,
        copies: Arc<dyn DirectoryCopies>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, RollError> {
        Self::around(file::load(&settings.directory.file)?, settings, copies, clock).await
    }

    /// As [`Roll::open`], where the file has been read before.
    ///
    /// # Errors
    /// When a setting is not right.
    pub async fn around(
        file: Directory,
        settings: &Settings,
        copies: Arc<dyn DirectoryCopies>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, RollError> {
        let path = settings.directory.file.clone();
        let akeldo = settings
            .akeldo
            .as_ref()
            .map(|config| Akeldo::open(config, copies, clock))
            .transpose()?;
        let mut roll = Self { path, file, akeldo, held: None };
        if let Err(error) = roll.take_kept().await {
            tracing::warn!(error = %Chain(&error), "goes on without the copy of AKELDO");
        }
        Ok(roll)
    }

    /// The directory as it is now.
    ///
    /// # Errors
    /// When the parts do not hold together.
    pub fn directory(&self) -> Result<Directory, RollError> {
        self.directory_with(&self.file)
    }

    /// The directory with this file's in the place of the one in use.
    ///
    /// # Errors
    /// As for [`Roll::directory`].
    pub fn directory_with(&self, file: &Directory) -> Result<Directory, RollError> {
        let listed = self.held.as_ref().map(|held| held.listing.entries.as_slice());
        merge(file, listed.unwrap_or_default()).map_err(RollError::Merge)
    }

    /// What the file says.
    pub const fn file(&self) -> &Directory {
        &self.file
    }

    /// Reads the file anew, without using it yet.
    ///
    /// # Errors
    /// When it is not right.
    pub fn read_file(&self) -> Result<Directory, RollError> {
        Ok(file::load(&self.path)?)
    }

    /// Uses another file's directory from now on.
    pub fn use_file(&mut self, file: Directory) {
        self.file = file;
    }

    /// AKELDO, where it is used.
    pub const fn akeldo(&self) -> Option<&Akeldo> {
        self.akeldo.as_ref()
    }

    /// The list from AKELDO that is in use.
    pub const fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }

    /// Takes up the copy that the journal holds, when it is another than the one in use. Whether it was.
    ///
    /// # Errors
    /// When it cannot be had; the one in use stays.
    pub async fn take_kept(&mut self) -> Result<bool, CopyError> {
        let Some(akeldo) = &self.akeldo else { return Ok(false) };
        let kept_at = akeldo.taken_at().await?;
        if kept_at.is_none() || kept_at == self.held.as_ref().map(|held| held.taken_at) {
            return Ok(false);
        }
        let Some(found) = akeldo.last_good().await? else { return Ok(false) };
        self.held = Some(found);
        Ok(true)
    }

    /// Asks AKELDO anew, and uses what it lists. `None` where AKELDO is not used.
    ///
    /// # Errors
    /// When its list is not taken over; the one in use stays.
    pub async fn refresh(&mut self, smaller: Smaller) -> Result<Option<Refreshed>, RefreshError> {
        let Some(akeldo) = &self.akeldo else { return Ok(None) };
        let refreshed = akeldo.refresh(smaller).await?;
        self.held = Some(refreshed.held.clone());
        Ok(Some(refreshed))
    }
}
